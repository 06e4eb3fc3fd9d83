"""What this service does: a package a feature, wired together in `app.py`."""
