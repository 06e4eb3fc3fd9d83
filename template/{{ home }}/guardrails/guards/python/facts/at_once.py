"""What keeps two requests apart that come at once: a lock, or the store that refuses the second."""

import re

from .modules import Function
from .syntax import strings_in, words_in

_LOCKS = {"with_for_update", "select_for_update", "Lock", "lock", "begin_nested", "start_session"}
_REFUSED = re.compile(r"IntegrityError|DuplicateKeyError|UniqueViolation|SERIALIZABLE")


def waits(function: Function) -> bool:
    """Whether it holds what it read until it has written."""
    return bool(_LOCKS & words_in(function))


def is_refused(function: Function) -> bool:
    """Whether it knows that the store may refuse what it adds."""
    return any(_REFUSED.search(told) for told in words_in(function) | strings_in(function))
