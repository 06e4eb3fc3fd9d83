"""Stamps production-ready Python services, and keeps them that way."""

from importlib.metadata import version

__version__ = version("roadworthy")
