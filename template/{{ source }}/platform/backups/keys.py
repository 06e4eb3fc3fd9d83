"""Keys of the backups: public ones to take them, private ones to read them.

A private key never lies beside the data it protects. Whoever takes backups needs none.
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyrage

from .errors import NotReadyError

Recipient = pyrage.x25519.Recipient | pyrage.ssh.Recipient
Identity = pyrage.x25519.Identity | pyrage.ssh.Identity

DEVELOPMENT_IDENTITY = Path(".keys/backup-identity.txt")


def parse_recipients(texts: Sequence[str]) -> list[Recipient]:
    """Public keys: `age1…`, or `ssh-ed25519 …` and `ssh-rsa …`."""
    if not texts:
        raise NotReadyError(
            "BACKUP_RECIPIENTS is not set, so nobody could read the backup. Run "
            "`backup keygen FILE` twice on a machine that is not this one, keep the two files in "
            "two places, and set BACKUP_RECIPIENTS to the two public keys, with a comma between."
        )
    return [_parse_recipient(text) for text in texts]


def _parse_recipient(text: str) -> Recipient:
    try:
        if text.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(text)
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        # Not the text itself: somebody may have put the private key there.
        raise NotReadyError(
            f"BACKUP_RECIPIENTS: what starts with {text[:8]!r} is no public key of age or ssh. "
            "It looks like age1… and stands in the second line of an identity file."
        ) from error


def read_identities(path: Path) -> list[Identity]:
    """Private keys from a file as `age-keygen` or `ssh-keygen` writes it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotReadyError(f"The identity file {path} can't be read: {error.strerror}.") from error
    try:
        if content.startswith(b"-----BEGIN"):
            return [pyrage.ssh.Identity.from_buffer(content)]
        lines = [line.strip() for line in content.decode().splitlines()]
        identities: list[Identity] = [
            pyrage.x25519.Identity.from_str(line) for line in lines if line and line[0] != "#"
        ]
    except (pyrage.IdentityError, UnicodeDecodeError) as error:
        raise NotReadyError(f"{path} is no identity file of age or ssh.") from error
    if not identities:
        raise NotReadyError(f"{path} holds no private key.")
    return identities


def generate_identity(path: Path) -> str:
    """Write a new private key where no file is yet; return its public key."""
    identity = pyrage.x25519.Identity.generate()
    recipient = str(identity.to_public())
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise NotReadyError(
            f"{path} exists, and to overwrite a key is to lose every backup made for it. "
            "Name another file."
        ) from error
    except OSError as error:
        raise NotReadyError(f"{path} can't be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"# created: {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n")
        file.write(f"# public key: {recipient}\n{identity}\n")
    return recipient


def development_recipient() -> str:
    """The public key that a developer's own backups are made for, generated the first time."""
    if not DEVELOPMENT_IDENTITY.exists():
        return generate_identity(DEVELOPMENT_IDENTITY)
    identity = read_identities(DEVELOPMENT_IDENTITY)[0]
    if isinstance(identity, pyrage.ssh.Identity):
        raise NotReadyError(f"{DEVELOPMENT_IDENTITY} is an ssh key; remove it for a new age key.")
    return str(identity.to_public())
