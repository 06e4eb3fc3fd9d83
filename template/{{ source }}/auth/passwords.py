"""Password hashing with Argon2id, off the event loop, and the rules for a new password."""

import os
import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from zxcvbn_rs_py import zxcvbn

from ..platform.problems import Unavailable, UnprocessableContent

# ASVS asks for 8 and recommends 15; what is guessable is refused at any length.
MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 256

# A hash takes 64 MiB and a core for a tenth of a second or two. Without these two bounds a handful
# of clients could take the service down by logging in (ASVS 5.0 15.2.2, CWE-400).
CONCURRENCY = max(1, (os.cpu_count() or 1) - 1)
MAXIMUM_WAITING = 32

_GUESSABLE_BELOW = 3
_SCORED_LENGTH = 32

T = TypeVar("T")

hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_limiter: RunVar[CapacityLimiter] = RunVar("password_hashing")
_stand_in: list[str] = []


async def hash_password(password: str) -> str:
    return await _in_thread(lambda: hasher.hash(password))


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether `password` is the stored one; for an account that does not exist, at equal cost."""
    return await _in_thread(lambda: _verify(stored, password))


def needs_rehash(stored: str) -> bool:
    """The parameters have been raised since this hash was made."""
    return hasher.check_needs_rehash(stored)


async def refuse_weak(password: str, context: Iterable[str]) -> None:
    """Refuse a password that is short, common or made of what anybody knows about its owner.

    There are no rules about kinds of characters (ASVS 5.0 6.2.1, 6.2.4, 6.2.5, 6.2.11).
    `context` is the e-mail address, the name of the service and the like.

    Raises:
        UnprocessableContent: it says why.
    """
    if len(password) < MINIMUM_LENGTH:
        raise _weak(f"Use at least {MINIMUM_LENGTH} characters; a few unrelated words are good.")
    if len(_without(context, password)) < MINIMUM_LENGTH:
        raise _weak("This leans on your address or on the name of this service. Add other words.")
    if await _in_thread(lambda: _is_guessable(password)):
        raise _weak("This is among the first that attackers try. A few unrelated words are good.")


def _verify(stored: str | None, password: str) -> bool:
    try:
        hasher.verify(stored or _stand_in_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def _stand_in_hash() -> str:
    """What the passwords of unknown accounts are compared with, so that they take as long."""
    if not _stand_in or hasher.check_needs_rehash(_stand_in[0]):
        _stand_in[:] = [hasher.hash(os.urandom(16))]
    return _stand_in[0]


def _is_guessable(password: str) -> bool:
    # What follows can only make it harder, and scoring takes more than linear time.
    return int(zxcvbn(password[:_SCORED_LENGTH]).score) < _GUESSABLE_BELOW


def _without(context: Iterable[str], password: str) -> str:
    """What is left of a password when the words any stranger knows count for nothing."""
    words = {word for text in context for word in re.split(r"[\W_]+", text) if len(word) > 3}
    for word in sorted(words, key=len, reverse=True):
        password = re.sub(re.escape(word), "", password, flags=re.IGNORECASE)
    return password


def _weak(detail: str) -> UnprocessableContent:
    return UnprocessableContent(detail, code="weak-password")


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = CapacityLimiter(CONCURRENCY)
        _limiter.set(limiter)
    if limiter.statistics().tasks_waiting >= MAXIMUM_WAITING:
        raise Unavailable("Too many people are logging in at this moment. Try again shortly.")
    return await to_thread.run_sync(work, limiter=limiter)
