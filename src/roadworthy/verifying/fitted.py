"""What was fitted, asked as CI asks it: the guardrails with the baseline, the service's gates."""

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .asking import NO_PACKAGES, Progress, step_of
from .commands import Command
from .model import State, Step
from .workplace import Ran, Terms, Workplace, search_path

_ENVIRONMENT = ("UV_NO_SYNC", "UV_PROJECT_ENVIRONMENT")
"""Where there is an environment that is not to be changed. Without the first, the second would have
uv make the service's environment of what is somebody else's."""
NOT_WANTED = "it takes minutes, and nobody asked for it"
GATES = ("format", "lint", "types", "boundaries", "access", "migrations", "test")
"""Of the service's Makefile, those that ask nobody on the network."""
_CHECK = """
import json, sys
from pathlib import Path
from guardrails.engine.check import check
from guardrails.engine.rules import load

outcome = check(Path(sys.argv[1]))
rules = load()
found = outcome.verdict.new.values()
new = sorted(it.rule for it in found)
held = [it for it in found if it.rule in rules and not rules[it.rule].may_be_recorded(it)]
never = sorted(it.rule for it in held)
Path(sys.argv[2]).write_text(json.dumps({
    "status": outcome.status, "new": new, "never": never, "broken": dict(outcome.broken),
    "grew": len(outcome.grew),
}), encoding="utf-8")
"""
_GUARDRAILS = Command("guardrails", (), "python -m guardrails check", seconds=900)
_SHARED = Command("shared files", (), "python -m guardrails.merges --check")


def check_guardrails(place: Workplace, tree: Path, answers: Mapping[str, Any]) -> Step:
    """Hold the tree to the fresh baseline. What can't be recorded in one may stand there."""
    # Of what it prints only the end is kept, and a prototype may have more to tell.
    told = place.report_file()
    ran = _run_engine(place, tree, answers, _GUARDRAILS, "-c", _CHECK, str(tree), str(told))
    step = step_of("guardrails", _GUARDRAILS, ran)
    if not step.passed:
        return step
    state, said = _judge(json.loads(told.read_text(encoding="utf-8")))
    return Step(step.name, step.command, state, step.seconds, said)


def check_shared(place: Workplace, tree: Path, answers: Mapping[str, Any]) -> Step:
    """Hold the files that were added to to what went into them."""
    ran = _run_engine(place, tree, answers, _SHARED, "-m", "guardrails.merges", "--check")
    return step_of(_SHARED.name, _SHARED, ran)


def _run_engine(
    place: Workplace, tree: Path, answers: Mapping[str, Any], command: Command, *arguments: str
) -> Ran:
    variables = {
        "PYTHONPATH": str(tree / str(answers.get("home", "."))),
        # The prototype's own modules must not be found first (CWE-427).
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }
    terms = Terms(command.seconds, trusted=True, variables=variables)
    return place.run([sys.executable, *arguments], tree, terms)


def _judge(outcome: Mapping[str, Any]) -> tuple[State, str]:
    recordable = list((Counter(outcome["new"]) - Counter(outcome["never"])).elements())
    if recordable or outcome["grew"]:
        return State.FAILED, f"new, and not in the baseline: {_counted(recordable)}"
    if outcome["broken"]:
        why = "; ".join(f"{guard}: {why}" for guard, why in outcome["broken"].items())
        return State.NOT_CHECKED, why
    if outcome["never"]:
        return State.PASSED, f"no baseline can hold these: {_counted(outcome['never'])}"
    return State.PASSED, "nothing new"


def _counted(rules: list[str]) -> str:
    return ", ".join(f"{rule} ({rules.count(rule)})" for rule in dict.fromkeys(rules))


def check_service(
    place: Workplace, copy: Path, answers: Mapping[str, Any], progress: Progress, *, wanted: bool
) -> Iterator[Step]:
    """Run the service's own gates in a copy."""
    folder = copy / str(answers.get("service_dir", "service"))
    if not (folder / "Makefile").is_file():
        return
    missing = _missing(wanted=wanted)
    setup = Command("service: setup", ("uv", "sync"), "make setup", seconds=900)
    gates = [_gate(name) for name in GATES]
    commands = gates if {*_ENVIRONMENT} <= os.environ.keys() else [setup, *gates]
    for command in commands:
        if missing:
            yield Step(command.name, command.told, State.NOT_CHECKED, said=missing)
            continue
        progress(command.name)
        step = step_of(command.name, command, run_ours(place, folder, command))
        if not step.passed and command is setup:
            missing = NO_PACKAGES
        yield step


def _gate(name: str) -> Command:
    return Command(f"service: {name}", ("make", name), f"make {name}", seconds=1200)


def _missing(*, wanted: bool) -> str:
    if not wanted:
        return NOT_WANTED
    gone = [name for name in ("uv", "make") if shutil.which(name, path=search_path()) is None]
    return f"{gone[0]} is not on this machine" if gone else ""


def run_ours(place: Workplace, folder: Path, command: Command) -> Ran:
    terms = Terms(command.seconds, trusted=True, network=True, variables=ours(folder))
    return place.run(command.argv, folder, terms)


def ours(folder: Path) -> dict[str, str]:
    """What uv downloaded for the user is not downloaded again; the rest is not the user's."""
    cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
    kept = {k: os.environ[k] for k in _ENVIRONMENT if {*_ENVIRONMENT} <= os.environ.keys()}
    return kept | {"UV_CACHE_DIR": cache, "PYTHONPATH": str(folder / "src"), "CI": ""}
