"""The roadworthy command."""

import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from . import __version__, inspecting
from .inspection import Wanted
from .origin import Origin, fetch, find_origin
from .planning import NAMES, Choice
from .questions import Answers, Questionnaire
from .refusal import BadAnswer, Refusal

# The commands that stamp import what they stamp with: it takes longer than many an inspection.

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Stamp Python services that are production-ready from their first commit, inspect "
    "prototypes that are not, fit guardrails around them, and keep both up to date.",
    epilog="Exit codes: 0 done, 1 refused (nothing was written) or --fail-on was met, 2 a bad "
    "option or answer, 130 interrupted.",
)


def _if_asked_for_version(asked: object) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback()
def roadworthy(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            help="Print the version and exit.",
            callback=_if_asked_for_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    del version  # printed when it was read


@app.command(
    epilog="Examples: 'roadworthy new' asks everything; 'roadworthy new shop --defaults' asks "
    "nothing; 'roadworthy new shop -d ci=gitlab -d backup_store=s3 --yes' asks the rest."
)
def new(
    directory: Annotated[
        Path | None, typer.Argument(help="Where to; a folder of the project's name, if left out.")
    ] = None,
    *,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", "-d", metavar="KEY=VALUE", help="Answer a question beforehand."),
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: take every default.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for a last look.")] = False,
    template: Annotated[
        str | None,
        typer.Option(help="The template's repository or a checkout of it, if not this command's."),
    ] = None,
    ref: Annotated[
        str | None, typer.Option(help="The template's version: a tag or commit.")
    ] = None,
) -> None:
    """Stamp a new service."""
    import questionary

    from .stamp import check_destination, stamp

    console = Console(stderr=True, highlight=False)
    given = dict(map(_key_and_value, data or []))
    if directory is not None:
        check_destination(directory.absolute())
    ask = not defaults
    if ask and not sys.stdin.isatty():
        raise Refusal(
            "Questions can be asked only in a terminal: add --defaults, and -d KEY=VALUE for what "
            "the defaults don't say."
        )
    with (
        inspecting.stopped_cleanly(),
        tempfile.TemporaryDirectory(prefix="roadworthy-") as scratch,
    ):
        origin = find_origin(template, ref)
        with console.status("Fetching the template"):
            questionnaire = Questionnaire(fetch(origin, Path(scratch) / "template"))
        if origin.leaves_out_changes:
            console.print(f"Uncommitted changes of {origin.source} are left out", soft_wrap=True)
        answers = questionnaire.answer(given, ask=ask)
        destination = (directory or Path(str(answers["package"]).replace("_", "-"))).absolute()
        check_destination(destination)
        line = _copier_line(origin, questionnaire, answers, destination)
        console.print(line, style="dim", markup=False, soft_wrap=True)
        if ask and not yes and not questionary.confirm("Stamp it?").unsafe_ask():
            raise typer.Exit(130)
        with console.status("Stamping"):
            for step in stamp(origin, answers, destination):
                console.print(step, markup=False, soft_wrap=True)
        console.print()
        console.print(
            questionnaire.after_copy(answers, destination), markup=False, soft_wrap=True, end=""
        )


@app.command(
    name="inspect",
    epilog="Examples: 'roadworthy inspect' looks at this folder; 'roadworthy inspect shop --html "
    "report.html' writes the whole report; 'roadworthy inspect --format sarif --output "
    "results.sarif --fail-on critical' is for CI; 'roadworthy inspect --explain rls.disabled' says "
    "what a rule is about. Exit codes: 0 looked, 1 --fail-on was met, 2 a bad option, or it could "
    "not look, 130 interrupted.",
)
def inspect_command(
    path: Annotated[
        Path, typer.Argument(help="The prototype's folder, or one app's folder in it.")
    ] = Path(),
    *,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report, one file for a browser.")
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="Print json, markdown or sarif instead."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the format there, not to stdout.")
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(
            metavar="SEVERITY",
            help="Exit with 1 for a finding as bad: critical, high, medium or low.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE", help="Only such rules: 'rls.*'. May be repeated."),
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="Not such rules. May be repeated.")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Say what changed since this JSON of an earlier run."),
    ] = None,
    history: Annotated[
        bool, typer.Option("--history/--no-history", help="Look for secrets in all commits, too.")
    ] = True,
    advisories: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Ask for known vulnerabilities of what the lock files lock: osv for the public "
            "database (https://api.osv.dev), or the URL of another that speaks OSV. It is told "
            "names and versions of packages, nothing else. Without this nobody is asked.",
        ),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(metavar="RULE", help="Say what a rule is about and how to mend it, and stop."),
    ] = None,
) -> None:
    """Prove what is wrong with a prototype. Nothing in it is run or changed."""
    if explain is not None:
        inspecting.explain(explain)
        return
    wanted = Wanted(tuple(only or ()), tuple(skip or ()), history, advisories)
    request = inspecting.Request.of(path, wanted, (html, output, since), format_, fail_on)
    if status := inspecting.run(request):
        raise typer.Exit(status)


@app.command(
    name="adopt",
    epilog="Examples: 'roadworthy adopt --dry-run' shows the plan; 'roadworthy adopt' asks before "
    "it goes on; 'roadworthy adopt --yes --only ci --only secrets' fits two guardrails and asks "
    "nothing; 'roadworthy adopt --decline auth -d owner=@acme/shop' leaves one out. Exit codes: 0 "
    "done, 1 refused (nothing was changed), 2 a bad option or answer, 130 interrupted (nothing was "
    "changed).",
)
def adopt_command(
    path: Annotated[
        Path, typer.Argument(help="The prototype's folder, or one app's folder in it.")
    ] = Path(),
    *,
    app_: Annotated[
        str | None, typer.Option("--app", metavar="FOLDER", help="Which app, where there are more.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="GUARDRAIL", help=f"Only such: {', '.join(NAMES)}. May be repeated."),
    ] = None,
    decline: Annotated[
        list[str] | None,
        typer.Option(metavar="GUARDRAIL", help="All but such; offered again by the next adoption."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", "-d", metavar="KEY=VALUE", help="Answer a question beforehand."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and stop.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    verify: Annotated[
        bool | None,
        typer.Option(
            "--verify/--no-verify",
            help="Run the prototype's own build and tests before and after, in a copy. This runs "
            "its code.",
        ),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(help="The template's repository or a checkout of it, if not this command's."),
    ] = None,
    ref: Annotated[
        str | None, typer.Option(help="The template's version: a tag or commit.")
    ] = None,
) -> None:
    """Fit the guardrails around a prototype, on a branch of its own."""
    from . import adopting

    request = adopting.Request(
        path=path,
        origin=find_origin(template, ref),
        choice=Choice(tuple(only or ()), tuple(decline or ())),
        given=dict(map(_key_and_value, data or [])),
        app=app_,
        yes=yes,
        dry_run=dry_run,
        verify=verify,
    )
    if status := adopting.run(request):
        raise typer.Exit(status)


@app.command(
    epilog="Examples: 'roadworthy update --dry-run' shows what a newer version brings; 'roadworthy "
    "update --ref v1.4.0' goes to that one. Exit codes: 0 done, 1 refused (nothing was changed), 2 "
    "a bad option, 130 interrupted (nothing was changed)."
)
def update(
    path: Annotated[Path, typer.Argument(help="The project's folder.")] = Path(),
    *,
    ref: Annotated[str | None, typer.Option(help="The version to go to: a tag or commit.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it, and stop.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
) -> None:
    """Bring a stamped or adopted project to a newer version, on a branch of its own."""
    from . import updating

    request = updating.Request(path=path, ref=ref, dry_run=dry_run, yes=yes)
    if status := updating.run(request):
        raise typer.Exit(status)


@app.command()
def version() -> None:
    """Print the version, as --version does."""
    typer.echo(f"roadworthy {__version__}")


_OF_A_REPOSITORY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_LITERAL_PATHSPECS",
)
"""What git sets for a hook or an alias: which repository it is at."""


def main() -> None:
    # More than one is asked here, by git and by those who ask it.
    for name in _OF_A_REPOSITORY:
        os.environ.pop(name, None)
    try:
        app()
    except Refusal as refusal:
        Console(stderr=True, highlight=False, soft_wrap=True).print("[bold red]error:[/] ", end="")
        typer.echo(str(refusal), err=True)
        sys.exit(refusal.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _key_and_value(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        raise BadAnswer(f"-d {text}: an answer is given as KEY=VALUE, such as -d ci=gitlab.")
    return key, value


def _copier_line(
    origin: Origin, questionnaire: Questionnaire, answers: Answers, destination: Path
) -> str:
    """Give the same stamp as it is typed without this command."""
    line = ["copier", "copy", "--defaults"]
    if origin.ref is not None:
        line += ["--vcs-ref", origin.ref]
    for name, answer in answers.items():
        if answer != questionnaire.default(name, answers):
            line += ["-d", f"{name}={answer}"]
    return shlex.join([*line, origin.source, str(destination)])
