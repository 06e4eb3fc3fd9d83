"""Traces and JSON logs for a FastAPI or Flask prototype, without a change to its source.

PYTHONPATH=ops/prototype/python python -m observe -- uvicorn main:app
PYTHONPATH=ops/prototype/python python -m observe -- gunicorn main:app
"""
