"""`roadworthy adopt`: inspect, plan, ask, apply, verify, land."""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import questionary
from rich.console import Console

from .applying import (
    BRANCH,
    NoRepository,
    Preparation,
    Repository,
    make_repository,
    prepare,
    record,
)
from .inspecting import hold_interrupts, shown_progress, stopped_cleanly
from .inspection import Inspection, Wanted, inspect
from .origin import Origin, fetch
from .planning import (
    PYTHON_KINDS,
    Candidate,
    Choice,
    candidates,
    choose,
    earlier_adoption,
    found_answers,
    kept_paths,
    standings,
)
from .planning.gate import Prototype
from .questions import Answers, Questionnaire
from .refusal import BadAnswer, Refusal
from .report.adoption import outcome, plan
from .verifying import as_answer, own_checks, workplace
from .verifying.proof import Proof

_ASKED = ("owner", "backup_store")
"""What a tree can't say, and what is worth a question; the rest has a default and a flag."""


@dataclass(frozen=True)
class Request:
    """What was asked for. `verify` None: ask whether the prototype's own code may be run."""

    path: Path
    origin: Origin
    choice: Choice
    given: Mapping[str, str]
    app: str | None = None
    yes: bool = False
    dry_run: bool = False
    verify: bool | None = None


def run(request: Request) -> int:
    """Adopt; gives the exit code."""
    console = Console(stderr=True, highlight=False)
    with stopped_cleanly(), tempfile.TemporaryDirectory(prefix="roadworthy-") as folder:
        return _Adoption(request, console, Path(folder)).run()


class _Adoption:
    def __init__(self, request: Request, console: Console, scratch: Path) -> None:
        self._request = request
        self._console = console
        self._scratch = scratch
        self._asks = not request.yes and sys.stdin.isatty()

    def run(self) -> int:
        repository = self._repository()
        repository.check_branch()
        earlier = earlier_adoption(repository.top)
        origin = _origin(self._request.origin, earlier)
        questionnaire = Questionnaire(fetch(origin, self._scratch / "template"), "adopt")
        if repository.partly_there:
            self._say(
                "Only a part of the repository is in this folder: what is not was not inspected, "
                "and what is added may not show. `git sparse-checkout disable` brings all of it."
            )
        self._say("Inspecting the prototype")
        inspection = self._inspect(repository.top)
        answers = self._answers(repository, inspection, questionnaire, earlier)
        wanted = Preparation(repository, origin, answers, inspection, earlier)
        if not self._may_run_its_code():
            return self._adopt(wanted, None)
        with workplace() as place:
            return self._adopt(wanted, Proof(place, wanted, self._say))

    def _adopt(self, wanted: Preparation, proof: Proof | None) -> int:
        if proof is not None and wanted.earlier is None:
            wanted.answers["own_checks"] = proof.worth_asking()
        prepared = prepare(wanted, self._scratch, self._say, consent=proof is not None)
        fitted = _fitted(wanted.earlier)
        proposals = standings(wanted.inspection, wanted.answers, fitted)
        shown = Console(highlight=False)
        shown.print(plan(wanted, prepared, proposals))
        if self._request.dry_run:
            return 0
        if not prepared.changes:
            shown.print("\nNothing to add: everything that was asked for is there.")
            return 0
        self._confirm()
        recorded = record(wanted, prepared, self._scratch, self._say)
        verified = proof.after(prepared.clone) if proof else None
        self._say(f"Switching to {BRANCH}")
        hold_interrupts()
        wanted.repository.land(prepared.clone)
        shown.print(outcome(wanted, recorded, verified))
        return 0

    def _may_run_its_code(self) -> bool:
        if self._request.dry_run:
            return False
        if self._request.verify is None and self._asks:
            return bool(
                questionary.confirm(
                    "May its own build and tests be run before and after, in a copy that can't "
                    "reach your files? It takes minutes.",
                    default=False,
                ).unsafe_ask()
            )
        return bool(self._request.verify)

    def _repository(self) -> Repository:
        path = self._request.path
        if not path.is_dir():
            raise BadAnswer(f"{path} is no folder: name that of a prototype.")
        try:
            return Repository.at(path)
        except NoRepository as missing:
            if self._asks and questionary.confirm(f"{missing} Make one here?").unsafe_ask():
                make_repository(path)
                return Repository.at(path)
            raise Refusal(
                f"{missing} Make one (git init, git add, git commit; mind what .gitignore leaves "
                "out), and run this again."
            ) from missing

    def _inspect(self, root: Path) -> Inspection:
        with shown_progress(self._console) as progress:
            return inspect(root, Wanted(), progress)

    def _answers(
        self,
        repository: Repository,
        inspection: Inspection,
        questionnaire: Questionnaire,
        earlier: Answers | None,
    ) -> Answers:
        given = dict(self._request.given)
        if earlier is not None:
            found: dict[str, object] = {k: v for k, v in earlier.items() if not k.startswith("_")}
        else:
            candidate = self._candidate(inspection, repository)
            found = dict(
                found_answers(
                    candidate,
                    inspection.stack,
                    repository.top.name,
                    repository.remote,
                    repository.taken,
                )
            )
            found |= self._own(repository, inspection, found)
        kind = given.get("kind", str(found.get("kind")))
        if "guardrails" not in given:
            found["guardrails"] = choose(self._request.choice, kind, _fitted(earlier))
        found.pop("mode", None)
        asked = [name for name in _ASKED if name not in found] if self._asks else []
        return questionnaire.answer(given, ask=asked, found=found)

    def _own(
        self, repository: Repository, inspection: Inspection, found: Mapping[str, object]
    ) -> dict[str, object]:
        """What the prototype and its neighbours can be asked, which its CI will ask."""
        apps = [str(found["app"]), *(it.app for it in candidates(inspection.stack))]
        checks = own_checks(repository.top, apps, entry=str(found["entry"]))
        prototype = Prototype(str(found["kind"]), str(found["app"]))
        own: dict[str, object] = {
            "own_checks": as_answer(checks),
            "keeps": ", ".join(kept_paths(inspection, prototype)),
        }
        language = "python" if found["kind"] in PYTHON_KINDS else "node"
        managers = [
            it.manager for it in checks if (it.folder, it.language) == (found["app"], language)
        ]
        return own | ({"manager": managers[0]} if managers else {})

    def _candidate(self, inspection: Inspection, repository: Repository) -> Candidate:
        found = candidates(inspection.stack)
        inside = self._request.path.resolve().relative_to(repository.top.resolve()).as_posix()
        named = self._request.app or (inside if inside != "." else None)
        if named is not None:
            app = PurePosixPath(named.strip("/")).as_posix()
            chosen = [it for it in found if it.app == app]
            if not chosen:
                raise BadAnswer(f"--app {named}: there is no app. {_apps(found)}")
            return chosen[0]
        if not found:
            raise Refusal(
                "No app was recognised here (Vite, Next.js, Express, FastAPI, Flask, Streamlit). "
                "Say what it is: -d kind=node -d app=server, for example."
            )
        if len(found) == 1:
            return found[0]
        if not self._asks:
            raise BadAnswer(f"There are several apps: name one with --app. {_apps(found)}")
        offered = [questionary.Choice(f"{it.app} ({it.kind})", it) for it in found]
        answer: Candidate = questionary.select(
            "Several apps are here. Which one do users call?", choices=offered
        ).unsafe_ask()
        return answer

    def _confirm(self) -> None:
        if self._request.yes:
            return
        if not self._asks:
            raise Refusal("Nothing was changed. Add --yes to go on without being asked.")
        if not questionary.confirm(f"Make the branch {BRANCH} of it?").unsafe_ask():
            raise KeyboardInterrupt

    def _say(self, step: str) -> None:
        self._console.print(step, style="dim", markup=False, soft_wrap=True)


def _origin(named: Origin, earlier: Mapping[str, Any] | None) -> Origin:
    """What was adopted stays at its version until an update: half of a newer one fits nothing."""
    if earlier is None or "_commit" not in earlier:
        return named
    return Origin(str(earlier["_src_path"]), str(earlier["_commit"]))


def _fitted(earlier: Mapping[str, Any] | None) -> tuple[str, ...]:
    return tuple(earlier["guardrails"]) if earlier else ()


def _apps(found: list[Candidate]) -> str:
    return "There are " + ", ".join(f"{it.app} ({it.kind})" for it in found) + "."
