"""A pristine cluster, kept for throwaway servers: a copy takes a tenth of what `initdb` takes.

It lies in the user's own folder for what can be made again (XDG Base Directory Specification) and
holds nothing but what `initdb` wrote. Where it can't be kept or read, each cluster is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from .account import Account
from .binaries import Binaries
from .cluster import ACCESS, FIRST_COMMANDS, create_cluster

BOOT = Path("/proc/sys/kernel/random/boot_id")


def provide_copy(binaries: Binaries, account: Account, data: Path) -> None:
    """Make a cluster as `create_cluster` does, of the kept one if there is one.

    Not for data that stay: all copies have the same system identifier.
    """
    kept = _kept(binaries)
    if kept is None:
        create_cluster(binaries, account, data)
    elif not _copy(kept, account, data):
        create_cluster(binaries, account, data)
        _keep(data, kept)


def _kept(binaries: Binaries) -> Path | None:
    """Where the cluster of these programs is kept, by whom nobody else can write.

    Nothing is written through to the disk, so what an earlier start of the machine left is not
    trusted: its power may have failed.
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        cache = given if given.is_absolute() else Path.home() / ".cache"
        folder = cache / "embedded-postgres"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        program = binaries.path("postgres").stat().st_size
        boot = BOOT.read_text().strip()
    except (OSError, RuntimeError):
        return None
    closed = stat.S_ISDIR(found.st_mode) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if found.st_uid != os.geteuid() or not closed:
        return None
    made_of = repr((binaries.version, program, ACCESS, FIRST_COMMANDS)).encode()
    return folder / f"{boot}-{hashlib.sha256(made_of).hexdigest()[:16]}"


def _copy(kept: Path, account: Account, data: Path) -> bool:
    partial = data.with_name(f"{data.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(kept, partial, copy_function=shutil.copy)
    except (OSError, shutil.Error):
        return False
    if account.dropped:
        for path in (partial, *partial.rglob("*")):
            os.chown(path, account.uid, account.gid)
    partial.rename(data)
    return True


def _keep(data: Path, kept: Path) -> None:
    """Keep a copy of a cluster that no server has run on, and none of an earlier start."""
    with contextlib.suppress(OSError, shutil.Error):
        boot, _, _ = kept.name.rpartition("-")
        making = Path(tempfile.mkdtemp(prefix=f"{kept.name}-", dir=kept.parent))
        try:
            for other in kept.parent.iterdir():
                if not other.name.startswith(boot):
                    shutil.rmtree(other)
            shutil.copytree(data, making / "data", copy_function=shutil.copy)
            (making / "data").rename(kept)
        finally:
            shutil.rmtree(making, ignore_errors=True)
