"""What the service is called and who owns it, as far as the repository says."""

import re
import unicodedata
from urllib.parse import urlsplit

_LONGEST = 50
_SCP = re.compile(r"[\w.-]+@(?P<host>[\w.-]+):(?P<path>.+)")


def project_name(folder: str) -> str:
    """A readable name from that of the folder."""
    plain = unicodedata.normalize("NFKD", folder).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Za-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain))
    name = " ".join(word[0].upper() + word[1:] for word in words)[:_LONGEST].strip()
    return name if re.match(r"[A-Za-z]", name) else f"Prototype {name}".strip()


def code_owner(remote: str) -> str | None:
    """`@owner` from the address of the repository (`https://host/owner/name`, `git@host:…`)."""
    scp = _SCP.fullmatch(remote)
    path = scp["path"] if scp else urlsplit(remote).path if "://" in remote else ""
    owner = path.strip("/").rpartition("/")[0]
    return f"@{owner}" if re.fullmatch(r"[A-Za-z0-9][\w/-]*", owner) else None


def is_on_gitlab(remote: str) -> bool:
    scp = _SCP.fullmatch(remote)
    return "gitlab" in ((scp["host"] if scp else urlsplit(remote).hostname) or "")
