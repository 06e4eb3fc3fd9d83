"""The guard `structure`: how the code hangs together, and what is in it twice."""

from .survey import look as look
