"""A plan, carried out in a clone, and landed on a branch of its own."""

from .preparing import Preparation, Prepared, Recorded, prepare, record
from .repository import BRANCH, NoRepository, Repository, make_repository

__all__ = [
    "BRANCH",
    "NoRepository",
    "Preparation",
    "Prepared",
    "Recorded",
    "Repository",
    "make_repository",
    "prepare",
    "record",
]
