"""The account that the server runs as: PostgreSQL refuses to be root, and CI often is."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from .errors import PostgresError

# Root's own place for what `nobody` has to reach when the project lies in a closed home (0700).
OPEN_PLACE = Path("/var/lib/embedded-postgres")

# Cloning a database there takes a tenth of the time; containers often have 64 MiB of it only.
MEMORY = Path("/dev/shm")  # noqa: S108 (folders in it are made by `own`)
ENOUGH_MEMORY = 4 * 1024**3
SHORT_TEMPORARY = Path("/tmp")  # noqa: S108


class Privileges(TypedDict, total=False):
    """Arguments of subprocess.Popen that give up root."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int
    dropped: bool

    @classmethod
    def current(cls) -> Account:
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), dropped=False)
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            return cls(65534, 65534, dropped=True)
        return cls(nobody.pw_uid, nobody.pw_gid, dropped=True)

    @property
    def privileges(self) -> Privileges:
        if not self.dropped:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, directory: Path) -> bool:
        """Whether every step of the way, and the directory itself, may be traversed."""
        if not self.dropped:
            return True
        return all(self._may(step, stat.S_IXOTH) for step in (directory, *directory.parents))

    def can_read(self, file: Path) -> bool:
        return not self.dropped or (self.can_enter(file.parent) and self._may(file, stat.S_IROTH))

    def _may(self, path: Path, other: int) -> bool:
        try:
            found = path.stat()
        except OSError:
            return False
        if found.st_uid == self.uid:
            return bool(found.st_mode & (other << 6))
        if found.st_gid == self.gid:
            return bool(found.st_mode & (other << 3))
        return bool(found.st_mode & other)

    def own(self, directory: Path) -> Path:
        """Create a directory that only this account may enter; refuse one that is not ours."""
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), self.uid):
            raise PostgresError(
                f"{directory} belongs to somebody else. Remove it, or ask its owner to."
            )
        if self.dropped:
            os.chown(directory, self.uid, self.gid)
        directory.chmod(0o700)
        return directory

    def scratch(self) -> Path:
        """Where throwaway servers live: in memory if there is plenty, else the temporary folder."""
        temporary = Path(tempfile.gettempdir()).resolve()
        for place in (MEMORY, temporary, SHORT_TEMPORARY.resolve()):
            if not (self.can_enter(place) and os.access(place, os.W_OK)):
                continue
            if place != MEMORY or shutil.disk_usage(place).free >= ENOUGH_MEMORY:
                return place
        return open_place("scratch")


def open_place(name: str) -> Path:
    place = OPEN_PLACE / name
    try:
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise PostgresError(
            f"PostgreSQL does not run as root, and the account `nobody` can neither reach this "
            f"project nor {OPEN_PLACE} ({error.strerror}). Run as a normal user, or move the "
            f"project out of root's home."
        ) from error
    for step in (OPEN_PLACE, place):
        step.chmod(0o755)
    return place
