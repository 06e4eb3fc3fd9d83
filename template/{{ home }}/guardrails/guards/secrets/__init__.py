"""The guard `secrets`: no credential in any file, nor in any commit."""

from .search import look as look
