"""A network of one's own, in which there is nobody else; Linux alone has it."""

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

_NEW_MOUNTS, _NEW_USER, _NEW_NETWORK = 0x00020000, 0x10000000, 0x40000000
_PRIVATE, _RECURSIVE = 1 << 18, 1 << 14
_SIOCSIFFLAGS, _UP = 0x8914, 0x1


def cut_network() -> bool:
    """Leave the machine's network for one with nothing but a loopback; False if it can't be."""
    return sys.platform == "linux" and _is_possible() and _cut()


def _is_possible() -> bool:
    """Tried by somebody else: half of it done would leave us without a name to own files by."""
    child = os.fork()
    if child == 0:
        os._exit(0 if _cut() else 1)
    return os.waitpid(child, 0)[1] == 0


def _cut() -> bool:
    user, group = os.getuid(), os.getgid()
    try:
        if user == 0:
            _unshare(_NEW_NETWORK | _NEW_MOUNTS)
        else:
            # Without privilege they come with a user namespace, in which one stays who one is.
            _unshare(_NEW_USER | _NEW_NETWORK | _NEW_MOUNTS)
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        _raise_loopback()
        _hide_sockets()
    except OSError:
        return False
    return True


def _unshare(flags: int) -> None:
    if _libc().unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare")


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
        fcntl.ioctl(anything, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _UP))


def _hide_sockets() -> None:
    """A socket that has a path is no network: that of Docker is as good as root (CWE-250)."""
    for source, target, kind, flags in (
        (b"none", b"/", None, _PRIVATE | _RECURSIVE),
        (b"none", b"/run", b"tmpfs", 0),
    ):
        if _libc().mount(source, target, kind, flags, None):
            raise OSError(ctypes.get_errno(), f"mount {target.decode()}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
