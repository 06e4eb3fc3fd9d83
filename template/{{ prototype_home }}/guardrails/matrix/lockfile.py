"""The lock file: a line for each thing that can be done, sorted, so that a review shows access."""

import shlex
from collections.abc import Iterator, Mapping

from .model import Access, Door, Recorded

NAME = "access-matrix.lock"
HEAD = """\
# Who may do what with the database that the migrations make: tried in a replay, not read off.
# anon has no account, user is whoever signs up, member belongs to another organisation; all of
# them try at somebody else's rows, and `own` means that only rows of their own were taken.
# Written by `python -m guardrails.matrix --write`. Each line that changes is a change of who may
# do what: review it as one.
"""
_FAILING = "does-not-replay"
_LOCKING = "locks"


class Unreadable(Exception):
    """The lock file holds something else than what is written there."""


def render(chains: Mapping[str, Recorded]) -> str:
    parts = [HEAD]
    for folder, chain in sorted(chains.items()):
        parts.append(f"\n[{folder}]\n")
        parts += [f"{line}\n" for line in _lines(chain)]
    return "".join(parts)


def _lines(chain: Recorded) -> Iterator[str]:
    for door, row in sorted(chain.cells.items()):
        access = [f"{who}={value}" for who, value in row.items()]
        yield shlex.join([door.kind, door.name, door.operation, *access])
    for (path, rule), count in sorted(chain.locking.items()):
        yield shlex.join([_LOCKING, path, rule, str(count)])
    for path, count in sorted(chain.failing.items()):
        yield shlex.join([_FAILING, path, str(count)])


def parse(text: str) -> dict[str, Recorded]:
    """What the file holds, by the folder of the chain.

    Raises:
        Unreadable: a line is not of the form that `render` writes.
    """
    chains: dict[str, Recorded] = {}
    chain = Recorded()
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("["):
            chain = chains.setdefault(line.strip("[]"), Recorded())
            continue
        try:
            _read(chain, shlex.split(line))
        except ValueError as error:
            raise Unreadable(
                f"line {number} of {NAME} can't be read; a merge may have left it "
                f"so. Run `python -m guardrails.matrix --write` and review what it changes."
            ) from error
    return chains


def _read(chain: Recorded, words: list[str]) -> None:
    match words:
        case [str(first), path, count] if first == _FAILING:
            chain.failing[path] = int(count)
        case [str(first), path, rule, count] if first == _LOCKING:
            chain.locking[path, rule] = int(count)
        case [kind, name, operation, *access] if access:
            pairs = [pair.split("=") for pair in access]
            row = {who: Access(value) for who, value in pairs}
            chain.cells[Door(kind, name, operation)] = row
        case _:
            raise ValueError(words)
