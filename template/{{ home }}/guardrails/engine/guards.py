"""The guards: `guards.toml`, and where they are there `guards.web.toml`, for front ends and
JavaScript servers, and `guards.local.toml`, the project's own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .kept import kept

HERE = Path(__file__).parent.parent
FILES = ("guards.web.toml", "guards.toml", "guards.local.toml")


class InvalidGuards(ValueError):
    """A list of guards that can't be used; the message names the file and the guard."""


@dataclass(frozen=True)
class Guard:
    """A command that prints SARIF; `seconds` is how long it may take.

    `staged` are the endings of the files that it judges before a commit; an empty one is any.
    """

    name: str
    command: tuple[str, ...]
    seconds: float = 300
    staged: tuple[str, ...] = ()


def load_guards(folder: Path = HERE) -> list[Guard]:
    """The guards in their order.

    Raises:
        InvalidGuards: a file that is no TOML, or a guard that is not as the files say.
    """
    guards: dict[str, Guard] = {}
    files = [file for name in FILES if (file := folder / name).exists()]
    for name, entries in kept(folder / "guards.json", files, lambda: _read(files)).items():
        guards |= {key: _guard(key, entry, folder / name) for key, entry in entries.items()}
    return list(guards.values())


def _read(files: Iterable[Path]) -> dict[str, Any]:
    """What is in each of them, by its name."""
    import tomllib  # noqa: PLC0415 - seldom needed, and slower than all that is done here

    read = {}
    for file in files:
        try:
            read[file.name] = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidGuards(f"{file} is no TOML: {error}") from None
    return read


def _guard(name: str, entry: Any, file: Path) -> Guard:
    if not isinstance(entry, Mapping) or set(entry) - {"command", "seconds", "staged"}:
        raise InvalidGuards(f"{file}: [{name}] holds `command`, `seconds` and `staged`, no more")
    command = entry.get("command")
    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        raise InvalidGuards(f"{file}: [{name}] needs a `command`, a list of words")
    try:
        seconds = float(entry.get("seconds", 300))
    except (TypeError, ValueError):
        raise InvalidGuards(f"{file}: [{name}] `seconds` is a number") from None
    return Guard(name, tuple(command), seconds, _endings(entry.get("staged", False), name, file))


def _endings(staged: Any, name: str, file: Path) -> tuple[str, ...]:
    if isinstance(staged, bool):
        return ("",) if staged else ()
    if isinstance(staged, list) and all(isinstance(ending, str) for ending in staged):
        return tuple(staged)
    raise InvalidGuards(f"{file}: [{name}] `staged` is true, or the endings of files, in a list")
