"""Landlock: a process gives up, for itself and its children, what it may do with files and TCP.

Linux 5.13 and newer (https://docs.kernel.org/userspace-api/landlock.html); no privilege is needed,
and nothing can be taken back. CWE-250, CWE-552.
"""

import ctypes
import os
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION, _RULE_PATH, _RULE_PORT = 1, 1, 2
_NO_NEW_PRIVILEGES = 38

_EXECUTE, _WRITE, _READ, _LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _DEVICE = 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _DEVICE
"""The rest is about folders, and refused for a rule on a file."""
_ALL_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}
_SINCE_5 = 16
_CONNECT = 1 << 1
_SCOPES = 0b11
"""Signals and abstract sockets stay among those who are confined."""


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _Below(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


class _Port(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def version() -> int:
    """Of the kernel's Landlock; 0 if there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_libc().syscall(_CREATE, None, 0, _VERSION)))


def confine(reads: Iterable[str], writes: Iterable[str], ports: Iterable[int] | None) -> None:
    """Let this process read below `reads`, do anything below `writes`, and no more. With `ports`,
    TCP connects to those alone, where the kernel knows how (`cuts_tcp`). An OSError says that it
    can't be had here.
    """
    known = version()
    files = (1 << _ALL_BY_VERSION.get(known, _SINCE_5)) - 1
    net = _CONNECT if ports is not None and cuts_tcp(known) else 0
    ruleset = _Ruleset(files, net, _SCOPES if known >= 6 else 0)  # noqa: PLR2004
    size = {1: 8, 2: 8, 3: 8, 4: 16, 5: 16}.get(known, 24)
    handle = _call(_CREATE, ctypes.byref(ruleset), size, 0)
    try:
        for path in writes:
            _allow(handle, path, files)
        for path in reads:
            _allow(handle, path, files & (_EXECUTE | _READ | _LIST))
        for port in ports or () if net else ():
            _call(_ADD, handle, _RULE_PORT, ctypes.byref(_Port(_CONNECT, port)), 0)
        if _libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "no_new_privs")
        _call(_RESTRICT, handle, 0)
    finally:
        os.close(handle)


def cuts_tcp(known: int) -> bool:
    return known >= 4  # noqa: PLR2004


def _allow(handle: int, path: str, allowed: int) -> None:
    """What is not there needs no rule."""
    with suppress(FileNotFoundError, PermissionError, NotADirectoryError):
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            kept = allowed if stat.S_ISDIR(os.fstat(folder).st_mode) else allowed & _ON_FILES
            _call(_ADD, handle, _RULE_PATH, ctypes.byref(_Below(kept, folder)), 0)
        finally:
            os.close(folder)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc().syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
