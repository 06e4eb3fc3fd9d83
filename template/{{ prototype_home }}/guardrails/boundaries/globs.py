"""Globs for paths: `*` within a name, `**` for folders of any depth, everything else as it is.

No character classes: `app/[id]/page.tsx` is the name of a file.
"""

import re
from collections.abc import Iterable
from functools import cache

_MOST_STARS = 5
_LONGEST = 300


class BadGlob(ValueError):
    """A glob that is none, or one that would take too long to match."""


@cache
def compiled(glob: str) -> re.Pattern[str]:
    """The glob as a pattern; a name without a star is that file, or all that is below it.

    Raises:
        BadGlob: it is empty, leads out of the tree, or has too many stars.
    """
    plain = glob.removeprefix("./").rstrip("/")
    if not plain or plain.startswith(("/", "../")) or len(plain) > _LONGEST:
        raise BadGlob(f"{glob!r} names no place in the tree")
    if len(re.findall(r"\*+", plain)) > _MOST_STARS:
        raise BadGlob(f"{glob!r} has more than {_MOST_STARS} stars")
    parts = [
        r"(?:[^/]+/)*" if part == "**" else r"[^/]*".join(map(re.escape, part.split("*"))) + "/"
        for part in plain.split("/")
    ]
    if parts[-1] == r"(?:[^/]+/)*":
        return re.compile("".join(parts[:-1]) + r".+")
    return re.compile("".join(parts).removesuffix("/") + r"(?:/.*)?")


def matching(globs: Iterable[str], paths: Iterable[str]) -> set[str]:
    """The paths that one of the globs fits."""
    patterns = [compiled(glob) for glob in globs]
    return {path for path in paths if any(pattern.fullmatch(path) for pattern in patterns)}
