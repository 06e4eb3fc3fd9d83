"""One inspection: the guardrails run on a tree that stays as it is."""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from roadworthy import __version__
from roadworthy.refusal import BadAnswer, CantLook
from roadworthy.stack import Stack

from . import guardrails
from .actions import actions_of
from .copies import copies_in
from .difference import difference
from .issues import gaps_of, issues_of
from .levels import Seen, areas_of, overall
from .model import Rule
from .whole import Inspection

_NO_FACTS = {"notChecked", "broken"}


@dataclass(frozen=True)
class Wanted:
    """Which rules to heed (globs such as `rls.*`), and how far to look for what they need."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    history: bool = True
    advisories: str | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether some rules are left out."""
        return bool(self.only or self.skip)

    def of(self, rules: Iterable[str]) -> frozenset[str]:
        """The rules to heed; refuses a glob that fits none, which is a typing error."""
        known = sorted(rules)
        for option, patterns in (("--only", self.only), ("--skip", self.skip)):
            for pattern in patterns:
                if not any(fnmatchcase(rule, pattern) for rule in known):
                    raise BadAnswer(f"{option} {pattern}: {unknown_rule(pattern, known)}")
        return frozenset(
            rule
            for rule in known
            if (not self.only or any(fnmatchcase(rule, pattern) for pattern in self.only))
            and not any(fnmatchcase(rule, pattern) for pattern in self.skip)
        )


def unknown_rule(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name.replace("*", ""), list(known), n=5, cutoff=0.4)
    hint = f" Near it: {', '.join(near)}." if near else ""
    return f"no rule is called that.{hint} `roadworthy inspect --explain '*'` lists them all."


def inspect(
    path: Path,
    wanted: Wanted,
    progress: guardrails.Progress,
    earlier: Mapping[str, Any] | None = None,
) -> Inspection:
    """Look at a tree. Nothing is written in it, and none of its code is run."""
    root = check_tree(path)
    began = time.monotonic()
    # Otherwise the guards themselves say what the rules are, while they are at it.
    rules = guardrails.catalogue() if wanted.is_narrow else {}
    heeded = wanted.of(rules) if wanted.is_narrow else None
    idle = set() if heeded is None else _idle(rules, heeded)
    settings = {} if wanted.history else {"GUARDRAILS_HISTORY": "no"}
    settings |= {} if wanted.advisories is None else {"GUARDRAILS_ADVISORIES": wanted.advisories}
    document = guardrails.scan(root, progress, without=idle, settings=settings)
    if not document.get("properties", {}).get("stack"):
        document.setdefault("properties", {})["stack"] = guardrails.recognise(root)
    document["properties"]["copies"] = copies_in(root, document)
    found = gather(document, rules, heeded, root.name or str(root), earlier)
    return replace(found, seconds=round(time.monotonic() - began, 1))


def reread(document: Mapping[str, Any], name: str) -> Inspection:
    """The inspection that a document of all guards amounts to, without looking again."""
    rules = guardrails.catalogue()
    return gather(document, rules, frozenset(rules), name)


def gather(
    document: Mapping[str, Any],
    rules: Mapping[str, Rule],
    heeded: frozenset[str] | None,
    name: str,
    earlier: Mapping[str, Any] | None = None,
) -> Inspection:
    """Make one value of what the guards printed. `heeded` is None for all rules there are."""
    try:
        found = _read(document, rules, heeded)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CantLook(f"The guardrails printed a SARIF that is not theirs: {error!r}.") from error
    inspection = Inspection(
        name=name,
        looked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0,
        version=__version__,
        **found,
    )
    return replace(inspection, since=difference(earlier, inspection)) if earlier else inspection


def _idle(rules: Mapping[str, Rule], heeded: frozenset[str]) -> set[str]:
    """The guards whose every rule is left out: they need not run."""
    guards = {guard for rule in rules.values() for guard in rule.guards}
    return guards - {guard for name in heeded for guard in rules[name].guards}


def check_tree(path: Path) -> Path:
    """Refuse, before anything starts, what is no folder or can't be listed."""
    try:
        root = path.resolve(strict=True)
        next(os.scandir(root), None)
    except FileNotFoundError as error:
        raise BadAnswer(f"{path} does not exist: name the folder of a prototype.") from error
    except NotADirectoryError as error:
        raise BadAnswer(
            f"{path} is a file: name the folder of a prototype, such as {path.parent}."
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadAnswer(
            f"{path} can't be read: {reason}. Change its permissions, or name another folder."
        ) from error
    return root


def _read(
    document: Mapping[str, Any], known: Mapping[str, Rule], heeded: frozenset[str] | None
) -> dict[str, Any]:
    rules = dict(known) | guardrails.rules_beside(document)
    facts: dict[str, Any] = {}
    for run in document["runs"]:
        rules |= guardrails.rules_of(run)
        about = run.get("properties", {})
        facts |= {name: value for name, value in about.items() if name not in _NO_FACTS}
    rules = {name: rules[name] for name in sorted(rules)}
    heeded = frozenset(rules) if heeded is None else heeded
    mine = {name: rule for name, rule in rules.items() if name in heeded}
    about_tree = document["properties"]["tree"]
    stack = Stack.of(document["properties"]["stack"])
    issues, gaps = issues_of(document, mine), gaps_of(document, mine)
    areas = areas_of(Seen(rules, issues, gaps, heeded, stack, about_tree["files"]))
    return {
        "files": about_tree["files"],
        "left": tuple(about_tree["left"]),
        "stack": stack,
        "level": overall(areas),
        "areas": areas,
        "issues": issues,
        "rules": mine,
        "gaps": gaps,
        "actions": actions_of(issues, mine),
        "facts": facts,
    }
