"""The documentation builds without a broken link, and what its tutorial says happens."""

import ast
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from stamping import ROOT, Project, Stamper

DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorial" / "first-service.md"
HOW_TO = [DOCS / "how-to" / name for name in ("change-the-database.md", "add-a-feature.md")]
# Of `make check`, all that can see what these pages change, but for the tests.
GATES_OF_HOW_TO = ("format", "lint", "types", "boundaries", "access", "migrations")
OF_THE_REPOSITORY = {"demo", "demo-adopt", "docs", "bench"}
_SETTINGS = """
from {package}.settings import Settings
for name, field in Settings.model_fields.items():
    for choice in (name, *getattr(field.validation_alias, "choices", ())):
        print(choice.upper())
"""
BEFORE_THE_PROJECT = ("uvx copier", "cd ", "git init", "make setup")

_BLOCK = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_CAPTION = re.compile(r":caption: (?P<path>\S+)\n\n")


@dataclass(frozen=True)
class Block:
    kind: str
    body: str


def blocks(page: Path) -> Iterator[Block]:
    for found in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield Block(found["kind"], found["body"])


def commands(body: str) -> Iterator[tuple[str, str]]:
    """Each command with what the tutorial says that it prints."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output.strip()


def assert_prints(printed: str, promised: str) -> None:
    """Every line that is promised is there; an ellipsis stands for anything."""
    for line in promised.splitlines():
        pattern = ".*".join(re.escape(part) for part in line.split("…"))
        assert re.search(pattern, printed), f"promised: {line}\nprinted: {printed}"


@pytest.fixture
def project(stamper: Stamper) -> Project:
    return stamper.fresh()


class Development:
    """`make dev`, in a terminal of its own."""

    def __init__(self, project: Project, folder: Path) -> None:
        self._log = folder / "make-dev.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["make", "dev"],
                cwd=project.path,
                env=project.environment() | {"PORT": self.port},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def token(self) -> str:
        deadline = time.monotonic() + 60
        while not (found := re.search(r"#token=(\S+)", self._log.read_text())):
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.2)
        return found[1]

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGINT)
        self._process.wait(60)


@pytest.mark.long
@pytest.mark.skipif(
    shutil.which("curl") is None, reason="the tutorial talks to the service by curl"
)
def test_the_tutorial_happens_as_it_is_told(project: Project, tmp_path: Path) -> None:
    development: Development | None = None
    try:
        for block in blocks(TUTORIAL):
            if block.kind == "python":
                apply_edit(project, block.body)
            else:
                write_file(project, block.body)
            for command, promised in commands(block.body) if block.kind == "console" else ():
                if command == "make dev":
                    development = Development(project, tmp_path)
                elif not command.startswith(BEFORE_THE_PROJECT):
                    run(project, development, command, promised)
    finally:
        if development is not None:
            development.stop()


@pytest.mark.long
def test_what_the_how_to_pages_show_passes_the_gates(project: Project) -> None:
    for block in (block for page in HOW_TO for block in blocks(page)):
        if block.kind == "python" and "def upgrade" in block.body:
            rewrite_revision(project, block.body)
        elif block.kind == "python" and "FEATURES" not in block.body:
            redefine(project, block.body)
        elif block.kind == "python":
            apply_edit(project, block.body)
        else:
            write_file(project, block.body)
        for command, promised in commands(block.body) if block.kind == "console" else ():
            if command == "make check":
                project.check("make", *GATES_OF_HOW_TO)
            elif promised:
                run(project, None, command, promised)
            else:
                project.check("bash", "-c", command)
    # The rows have a column more than those who read them know of.
    project.check("pytest", "-q", "-p", "no:cacheprovider", "tests/features/bookings", "-k", "list")


def write_file(project: Project, body: str) -> None:
    """A block with a caption is the file that it names."""
    if caption := _CAPTION.match(body):
        path = project.path / caption["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body[caption.end() :], encoding="utf-8")


def redefine(project: Project, snippet: str) -> None:
    """A definition takes the place of the one that begins alike; `# …` is what it held."""
    first, *held, last = snippet.strip().splitlines()
    beginning = re.compile(
        rf"^{re.escape(first)}\n(?P<held>.*?)^{re.escape(last)}$", re.MULTILINE | re.DOTALL
    )
    [path] = [
        path
        for path in (project.path / "src").rglob("*.py")
        if beginning.search(path.read_text(encoding="utf-8"))
    ]

    def replaced(found: re.Match[str]) -> str:
        lines = [found["held"] if line.strip() == "# …" else f"{line}\n" for line in held]
        return f"{first}\n{''.join(lines)}{last}"

    path.write_text(beginning.sub(replaced, path.read_text(encoding="utf-8")), encoding="utf-8")


def rewrite_revision(project: Project, snippet: str) -> None:
    """The newest revision, with its name and place kept."""
    versions = (project.path / "migrations" / "versions").glob("*.py")
    path = max(versions, key=lambda version: version.stat().st_mtime)
    title, _, rest = path.read_text(encoding="utf-8").partition("\n\n")
    names = re.search(r"^revision = .*?(?=^def upgrade)", rest, re.MULTILINE | re.DOTALL)
    assert names
    imports, steps = snippet.split("\n\n\n", 1)
    path.write_text(f"{title}\n\n{imports}\n\n{names[0]}{steps}", encoding="utf-8")


def run(project: Project, development: Development | None, command: str, promised: str) -> None:
    if development is not None and command.startswith("curl"):
        command = command.replace("localhost:8000", f"localhost:{development.port}")
        # The tutorial's reader waits until the service is there.
        command = command.replace("curl", "curl -s --retry 60 --retry-connrefused --retry-delay 1")
    variables = {}
    if "$TOKEN" in command:
        assert development is not None
        variables["TOKEN"] = development.token()
    printed = project.run("bash", "-c", command, **variables).stdout
    assert_prints(printed, promised)


def apply_edit(project: Project, snippet: str) -> None:
    """The tutorial shows lines in their context; here they find their place."""
    if "FEATURES" in snippet:
        path = project.path / "src" / project.package / "app.py"
        imported, listed = (part.strip() for part in snippet.strip().split("\n\n"))
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^FEATURES = .*$", listed, text, flags=re.MULTILINE)
        text = text.replace("from .platform.cli", f"{imported}\nfrom .platform.cli", 1)
    else:
        path = project.path / "src" / project.package / "features" / "feedback" / "api.py"
        imported, decorated = snippet.strip().split("\n\n\n")
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^from \.\.\.platform\.access .*$", imported, text, flags=re.MULTILINE)
        text = text.replace(decorated.replace("@authenticated\n", ""), decorated)
    path.write_text(text, encoding="utf-8")


def test_what_the_pages_name_is_there(stamper: Stamper) -> None:
    """Make targets, settings and code, in our pages and in the stamped ones."""
    project = stamper.stamp()
    adopted = stamper.stamp(mode="adopt")
    makefiles = [project.path / "Makefile", *adopted.path.glob("*/Makefile")]
    targets = {
        target
        for file in makefiles
        for target in re.findall(r"^([a-z][a-z-]*):", file.read_text("utf-8"), re.MULTILINE)
    }
    settings = set(project.check("python", "-c", _SETTINGS.format(package=project.package)).split())
    for path in (ROOT / "template").glob("*/guardrails/**/*.py"):
        settings |= set(re.findall(r'"(GUARDRAILS_[A-Z_]+)"', path.read_text(encoding="utf-8")))
    for path in adopted.path.glob("service/src/*/legacy/**/settings.py"):
        fields = re.findall(r"^    ([a-z]\w+): ", path.read_text(encoding="utf-8"), re.MULTILINE)
        settings |= {field.upper() for field in fields}
    stamped = [path for path in project.path.rglob("*.md") if ".venv" not in path.parts]
    for page in [*DOCS.rglob("*.md"), *stamped]:
        text = page.read_text(encoding="utf-8")
        for named in re.findall(r"(?:`|\$ )make ([a-z][a-z-]*)", text):
            assert named in targets | OF_THE_REPOSITORY, f"{page}: make {named}"
        if page.is_relative_to(DOCS):
            for named in re.findall(r"`(?!VITE_)([A-Z]+(?:_[A-Z]+)+)`", text):
                assert named in settings, f"{page}: {named}"
            for block in _BLOCK.finditer(text):
                if block["kind"] == "python" and page != TUTORIAL:
                    compile(block["body"], str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_the_site_builds_and_no_link_is_broken(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(DOCS), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    for page in ("questions", "settings", "commands", "gates"):
        assert (tmp_path / "reference" / f"{page}.html").is_file()
