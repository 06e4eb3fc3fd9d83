"""Stamps projects the way a user does, from this checkout with its uncommitted changes."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import copier
import yaml

from roadworthy.copying import without_repetition

ROOT = Path(__file__).parent.parent
ENVIRONMENT = Path(sys.prefix)
NEWEST = "v9999"


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit_all(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)


def clone_checkout(to: Path) -> Path:
    """Clone with the dirty changes on top, tagged as the newest version."""
    git(ROOT, "clone", "--quiet", "--no-hardlinks", str(ROOT), str(to))
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, [*listed, *git(to, "ls-files", "-z").split("\0")]):
        source, target = ROOT / name, to / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        else:
            target.unlink(missing_ok=True)
    commit_all(to, "The checkout as it is")
    git(to, "tag", NEWEST)
    return to


@dataclass(frozen=True)
class Project:
    path: Path

    @property
    def answers(self) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load((self.path / ".copier-answers.yml").read_text())
        return loaded

    @property
    def package(self) -> str:
        return str(self.answers["package"])

    @property
    def files(self) -> set[str]:
        return set(git(self.path, "ls-files").splitlines())

    @property
    def gates(self) -> list[str]:
        found = re.search(r"^GATES := (.+)$", (self.path / "Makefile").read_text(), re.MULTILINE)
        assert found, "the Makefile lists no gates"
        return found[1].split()

    def environment(self) -> dict[str, str]:
        """The repository's own environment stands in for the project's: nothing is installed.

        Without `CI`, which makes a project take coverage: one test asks for that by itself.
        """
        kept = {
            k: v
            for k, v in os.environ.items()
            if k != "CI" and not k.startswith(("PYTEST_", "MAKE", "MFLAGS"))
        }
        return kept | {
            "PATH": f"{self._commands()}:{ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": f"{self.path / 'src'}:{self.path}",
            "UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT),
            "UV_NO_SYNC": "1",
        }

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.path,
            env=self.environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def check(self, *command: str, **variables: str) -> str:
        ran = self.run(*command, **variables)
        assert ran.returncode == 0, f"{' '.join(command)} failed:\n{ran.stdout}"
        return ran.stdout

    def copy(self, to: Path) -> "Project":
        shutil.copytree(self.path, to, symlinks=True)
        return Project(to)

    def _commands(self) -> Path:
        """The console script, which an installation would have made."""
        script = self.path.with_name(f"{self.path.name}.bin") / self.package.replace("_", "-")
        if not script.exists():
            script.parent.mkdir(exist_ok=True)
            script.write_text(
                f"#!{sys.executable}\nfrom {self.package}.app import main\n"
                'if __name__ == "__main__":\n    main()\n'
            )
            script.chmod(0o755)
        return script.parent


@dataclass
class Stamper:
    """Stamps each set of answers once."""

    template: Path
    folder: Path
    stamped: dict[str, Project] = field(default_factory=dict)

    def stamp(self, ref: str = NEWEST, **answers: object) -> Project:
        key = repr((ref, sorted(answers.items())))
        if key not in self.stamped:
            path = self.folder / f"stamp-{len(self.stamped)}"
            with without_repetition():
                copier.run_copy(
                    str(self.template), path, data=answers, vcs_ref=ref, defaults=True, quiet=True
                )
            git(path, "init", "--quiet", "--initial-branch", "main")
            commit_all(path, "Stamped")
            self.stamped[key] = Project(path)
        return self.stamped[key]

    def locked(self, **answers: object) -> Project:
        """Stamp, with the dependencies locked as a user's would be."""
        project = self.stamp(NEWEST, **answers)
        if not (project.path / "uv.lock").exists():
            hook = str(ROOT / "hooks" / "lock.py")
            subprocess.run([sys.executable, hook, str(project.path)], check=True)
            commit_all(project.path, "Lock")
        return project

    def fresh(self, **answers: object) -> Project:
        """Return a copy that the test may change."""
        project = self.locked(**answers)
        copies = len(list(self.folder.glob(f"{project.path.name}-copy-*")))
        return project.copy(self.folder / f"{project.path.name}-copy-{copies}")
