"""The guardrails' command: python -m guardrails check | baseline | explain | drill | scan.

Exit status: 0 nothing new, 1 something to mend, 2 something could not be looked at or understood.
"""

import argparse
import json
import signal
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .engine import sarif
from .engine.baseline import Accepted, CorruptBaseline
from .engine.check import check, recognised
from .engine.guards import InvalidGuards, load_guards
from .engine.output import FORMATS
from .engine.recording import Refused, accept, record
from .engine.rules import InvalidRule, Rule, load
from .engine.runner import run_guards
from .engine.scope import NoSuchBase
from .engine.tree import walk

NOT_CHECKED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        status: int = options.run(options)
    except (CorruptBaseline, InvalidGuards, InvalidRule, NoSuchBase, Refused) as refusal:
        print(f"guardrails: {refusal}", file=sys.stderr)
        return NOT_CHECKED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except OSError as error:
        print(f"guardrails: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return NOT_CHECKED
    return status


def _check(options: argparse.Namespace) -> int:
    outcome = check(
        options.root, only_staged=options.staged, base=options.base, without=options.without
    )
    text = FORMATS[options.format](outcome)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
        print(FORMATS["text"](outcome))
    else:
        print(text)
    return outcome.status


def _baseline(options: argparse.Namespace) -> int:
    outcome = check(options.root, without=options.without)
    if options.accept:
        missing = [name for name in ("reason", "owner", "until") if not getattr(options, name)]
        if missing:
            raise Refused("--accept needs " + ", ".join(f"--{name}" for name in missing))
        accepted = Accepted(options.reason, options.owner, options.until)
        fingerprint = accept(options.root, outcome, options.accept, accepted)
        print(f"{fingerprint.rule} in {fingerprint.path} may stay until {options.until}")
        return 0
    recorded = record(options.root, outcome)
    if options.document:
        options.document.write_text(json.dumps(outcome.document), encoding="utf-8")
    print(f"{recorded.holds} recorded: {recorded.came} came, {recorded.gone} went")
    if recorded.refused:
        print(
            f"{recorded.refused} can't be recorded and must be mended; "
            "`python -m guardrails check` lists them"
        )
    return 1 if recorded.refused else 0


def _explain(options: argparse.Namespace) -> int:
    rules = load()
    wanted = [rule for rule in rules.values() if not options.rule or rule.id == options.rule]
    if not wanted:
        raise Refused(
            f"no rule is called {options.rule!r}; `python -m guardrails explain` lists all"
        )
    if options.rule:
        print(explanation(wanted[0]))
    else:
        for rule in wanted:
            print(f"{rule.id:36} {rule.severity.label:9} {rule.title}")
    return 0


def explanation(rule: Rule) -> str:
    """A rule for a reader at a terminal."""
    references = ", ".join([*rule.cwe, *(f"ASVS {entry}" for entry in rule.asvs)])
    facts = [rule.severity.label, f"confidence {rule.confidence}", rule.area.value]
    facts += [f"{rule.effort} to mend", references]
    return "\n\n".join([
        f"{rule.id}: {rule.title}\n{', '.join(fact for fact in facts if fact)}",
        textwrap.fill(" ".join(rule.why.split()), 96),
        textwrap.fill(" ".join(rule.mend.split()), 96),
        textwrap.indent(rule.example.rstrip(), "    "),
    ])  # fmt: skip


def _drill(_: argparse.Namespace) -> int:
    from .engine.drill import drill  # noqa: PLC0415 - it reads a list that no check needs

    drilled = drill()
    for entry in drilled:
        print(f"{entry.guard}: {entry.why or f'found {entry.rule}'}")
    return 1 if any(entry.why for entry in drilled) else 0


def _scan(options: argparse.Namespace) -> int:
    def say(event: Mapping[str, Any]) -> None:
        print(json.dumps(event), file=sys.stderr, flush=True)

    tree = recognised(walk(options.root))
    guards = [guard for guard in load_guards() if guard.name not in options.without]
    document = run_guards(tree, guards, say if options.progress else lambda _: None)
    names = {guard.name for guard in guards}
    others = [rule for rule in load().values() if names.isdisjoint(rule.guards)]
    document["properties"]["rules"] = sarif.run("", others, [])["tool"]["driver"]["rules"]
    sys.stdout.write(json.dumps(document))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m guardrails", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    checking = commands.add_parser("check", help="hold the tree to the baseline")
    checking.add_argument(
        "--staged", action="store_true", help="only what is about to be committed"
    )
    checking.add_argument("--base", metavar="REF", help="the branch that this one is to join")
    checking.add_argument("--format", choices=sorted(FORMATS), default="text")
    checking.add_argument("--output", type=Path, metavar="FILE", help="write the format there")
    checking.set_defaults(run=_check)
    recording = commands.add_parser("baseline", help="record what may stay, or less of it")
    recording.add_argument("--accept", metavar="FINGERPRINT", help="let one new finding stay")
    recording.add_argument("--reason", help="why it may stay")
    recording.add_argument("--owner", help="who says so")
    recording.add_argument("--until", metavar="YYYY-MM-DD", help="when it is decided anew")
    recording.add_argument(
        "--document", type=Path, metavar="FILE", help="write all that was found there, as SARIF"
    )
    recording.set_defaults(run=_baseline)
    explaining = commands.add_parser("explain", help="say what a rule is about, or list them")
    explaining.add_argument("rule", nargs="?")
    explaining.set_defaults(run=_explain)
    commands.add_parser("drill", help="plant faults and see them found").set_defaults(run=_drill)
    scanning = commands.add_parser("scan", help="print all findings as SARIF")
    scanning.add_argument("--progress", action="store_true", help="events on standard error, JSON")
    scanning.set_defaults(run=_scan)
    for command in (checking, recording, scanning):
        command.add_argument(
            "--without", action="append", default=[], metavar="GUARD", help="do not run that one"
        )
        command.add_argument("--root", type=Path, default=Path(), help="the tree to look at")
    return parser


if __name__ == "__main__":
    sys.exit(main())
