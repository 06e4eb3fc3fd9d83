"""Writes the reference pages from what they describe, each time the site is built.

Questions come from copier.yml, settings from the settings class, commands from the command line
and gates from the Makefile of a project stamped for the purpose; the page of `roadworthy inspect`
from the command itself.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import copier
import typer
import yaml
from sphinx.application import Sphinx

from roadworthy.cli import app as roadworthy
from roadworthy.inspection.levels import questions as questions_of_areas

ROOT = Path(__file__).parent.parent
REFERENCE = Path(__file__).parent / "reference"

_SETTINGS = """
import json
from {package}.settings import Settings
rows = []
def described(name):
    for parent in Settings.__mro__:
        field = getattr(parent, "model_fields", {{}}).get(name)
        if field is not None and field.description:
            return field.description
    return ""
for name, field in Settings.model_fields.items():
    alias = field.validation_alias
    names = getattr(alias, "choices", [alias or name])
    default = field.default
    if field.is_required():
        shown = "required"
    elif default in (None, (), frozenset()):
        shown = ""
    else:
        shown = ", ".join(default) if isinstance(default, tuple) else str(default)
    rows.append({{
        "name": str(names[-1]).upper(),
        "choices": field.annotation.__args__ if "Literal[" in str(field.annotation) else (),
        "default": shown,
        "description": described(name),
    }})
print(json.dumps(rows))
"""

_COMMANDS = """
import json, typer
from {package}.app import create_service
from {package}.platform.cli import commands_of
def parameter(it):
    is_option = it.opts[0].startswith("-")
    words = [*it.opts, *it.secondary_opts] if is_option else [it.metavar or it.name.upper()]
    return {{"name": ", ".join(words), "help": getattr(it, "help", None) or ""}}
def walk(command, path):
    children = getattr(command, "commands", {{}})
    yield {{
        "path": " ".join(path),
        "help": command.help or "",
        "parameters": [parameter(it) for it in command.params],
        "commands": [(name, child.get_short_help_str(200)) for name, child in children.items()],
    }}
    for name, child in children.items():
        yield from walk(child, [*path, name])
root = typer.main.get_command(commands_of(create_service))
print(json.dumps(list(walk(root, ["{slug}"]))))
"""


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}


def write_pages(app: Sphinx) -> None:
    del app
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "service"
        copier.run_copy(str(ROOT), project, defaults=True, quiet=True, vcs_ref="HEAD")
        pages = {
            "questions": questions(),
            "settings": settings(project),
            "commands": commands(project),
            "gates": gates(project),
            "inspect": inspect_command(),
        }
    for name, text in pages.items():
        (REFERENCE / f"{name}.md").write_text(text, encoding="utf-8")


def questions() -> str:
    asked = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    rows = [
        (f"`{name}`", question["help"], _choices(question), _default(question))
        for name, question in asked.items()
        if not name.startswith("_") and question.get("when") is not False
    ]
    return (
        "# Questions\n\nWhat `copier copy` and `roadworthy new` ask, in this order. Answer one "
        "beforehand with `-d name=value`, all with their defaults with `--defaults`.\n\n"
        + _table(("Question", "Asks", "Choices", "Default"), rows)
    )


def _choices(question: dict[str, Any]) -> str:
    if question["type"] == "bool":
        return "`true`, `false`"
    choices = question.get("choices", [])
    values = choices.values() if isinstance(choices, dict) else choices
    return ", ".join(f"`{value}`" for value in values)


def _default(question: dict[str, Any]) -> str:
    default = question["default"]
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return "derived from the name" if "{" in str(default) else f"`{default}`"


def settings(project: Path) -> str:
    rows = [
        (f"`{row['name']}`", _setting_default(row), row["description"])
        for row in json.loads(_python(project, _SETTINGS))
    ]
    return (
        "# Settings\n\nEnvironment variables of a stamped service; in development `.env` is read "
        "too. The service lists every setting that does not hold, and starts only when all do.\n\n"
        + _table(("Variable", "Default", "What it is"), rows)
        + "\n"
    )


def _setting_default(row: dict[str, Any]) -> str:
    shown = f"`{row['default']}`" if row["default"] not in {"", "required"} else row["default"]
    others = [f"`{choice}`" for choice in row["choices"] if choice != row["default"]]
    return f"{shown} (or {', '.join(others)})" if others else shown


def commands(project: Path) -> str:
    make = [
        (f"`make {name}`", text) for name, text in _targets(project) if not text.startswith("Gate")
    ]
    sections = [_section(command) for command in json.loads(_python(project, _COMMANDS))]
    return (
        "# Commands\n\n## `make`\n\n"
        + _table(("Command", "What it does"), make)
        + "\n\n"
        + "\n\n".join(sections)
        + "\n"
    )


def _section(command: dict[str, Any]) -> str:
    parts = [f"## `{command['path']}`", command["help"]]
    if command["commands"]:
        rows = [(f"`{command['path']} {name}`", text) for name, text in command["commands"]]
        parts.append(_table(("Command", "What it does"), rows))
    if command["parameters"]:
        rows = [(f"`{it['name']}`", it["help"]) for it in command["parameters"]]
        parts.append(_table(("Argument", "What it is"), rows))
    return "\n\n".join(filter(None, parts))


def gates(project: Path) -> str:
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    texts = dict(_targets(project))
    listed = re.search(r"^GATES := (.+)$", makefile, re.MULTILINE)
    if listed is None:
        raise ValueError("the stamped Makefile lists no gates")
    rows = [
        (f"`{gate}`", texts[gate].removeprefix("Gate: "), _recipe(makefile, gate))
        for gate in listed[1].split()
    ]
    return (
        "# Gates\n\n`make check` runs every gate and says at the end which failed; CI and the git "
        "hooks call the same targets. Each gate also runs by itself: `make types`.\n\n"
        + _table(("Gate", "Holds that", "Runs"), rows)
    )


def inspect_command() -> str:
    """The command's page: its options, and what each area is asked."""
    command = typer.main.get_command(roadworthy).commands["inspect"]  # type: ignore[attr-defined]
    options = [(f"`{_words(it)}`", it.help or "") for it in command.params if it.name != "help"]
    gates = [(it.area, str(it.level), it.question) for it in questions_of_areas()]
    return (
        f"# `roadworthy inspect`\n\n{command.help}\n\n{command.epilog}\n\n"
        + _table(("Argument", "What it is"), options)
        + "\n\n## Levels\n\nAn area reaches a level when every question up to it has a good "
        "answer. Whatever the question, an open critical finding holds its area at 0, a high one "
        "at 1 and a medium one at 2; what could not be checked holds it below the question's own "
        "level. The whole is as ready as its least ready area.\n\n"
        + _table(("Area", "Level", "Question"), gates)
        + "\n"
    )


def _words(parameter: Any) -> str:
    words = ", ".join([*parameter.opts, *parameter.secondary_opts])
    if not parameter.opts[0].startswith("-"):
        return f"[{words.upper()}]"
    return f"{words} {parameter.metavar}" if parameter.metavar else words


def _targets(project: Path) -> Iterator[tuple[str, str]]:
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    yield from re.findall(r"^([a-z][a-z-]*):.*?## (.*)$", makefile, re.MULTILINE)


def _recipe(makefile: str, target: str) -> str:
    recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    if recipe is None:
        raise ValueError(f"gate {target} has no recipe")
    lines = [line.strip().lstrip("@") for line in recipe[1].splitlines()]
    return "<br>".join(
        f"`{line.replace('$(RUN) ', '').replace('$(POSTGRES) -- ', '')}`" for line in lines
    )


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )


def _python(project: Path, code: str) -> str:
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    package = answers["package"]
    environment = os.environ | {
        "PYTHONPATH": f"{project / 'src'}:{project}",
        "DATABASE_URL": "postgresql://localhost/none",
        "TERM": "dumb",
        "COLUMNS": "96",
    }
    finished = subprocess.run(
        [sys.executable, "-c", code.format(package=package, slug=package.replace("_", "-"))],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(finished.stderr)
    return finished.stdout
