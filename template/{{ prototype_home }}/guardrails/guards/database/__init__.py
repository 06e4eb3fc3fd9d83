"""The database, really: replay a chain of migrations, then see what a stranger can do in it."""

from .look import look

__all__ = ["look"]
