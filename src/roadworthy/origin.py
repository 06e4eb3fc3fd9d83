"""Where the template is: the repository that this command was installed from."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .refusal import BadAnswer, Refusal

_HOSTS = {"gh:": "https://github.com", "gl:": "https://gitlab.com"}
_OTHERWISE = "name a checkout on this machine with --template"


@dataclass(frozen=True)
class Origin:
    """A template as Copier takes it; `copier update` finds it again by these two."""

    source: str
    ref: str | None

    @property
    def folder(self) -> Path | None:
        """The checkout, when the template is one on this machine."""
        path = Path(self.source)
        return path if path.is_dir() else None

    @property
    def leaves_out_changes(self) -> bool:
        """A commit is stamped, which an update finds again; what is not committed yet is not."""
        if self.folder is None or self.ref is None:
            return False
        return bool(_git("-C", self.source, "status", "--porcelain", "--untracked-files=no"))


def find_origin(source: str | None = None, ref: str | None = None) -> Origin:
    """Take the template that was named, or else the one this command came from (PEP 610)."""
    if shutil.which("git") is None:
        raise Refusal("git is not on the PATH, and the template is fetched with it: install git.")
    if source is not None:
        return _of_folder(Path(source), ref) if Path(source).is_dir() else Origin(source, ref)
    recorded = json.loads(distribution("roadworthy").read_text("direct_url.json") or "{}")
    if "vcs_info" in recorded:
        url = recorded["url"]
        return Origin(
            url if url.endswith(".git") else f"git+{url}", ref or recorded["vcs_info"]["commit_id"]
        )
    if "dir_info" in recorded:
        return _of_folder(Path(unquote(urlsplit(recorded["url"]).path)), ref)
    raise Refusal(
        "This roadworthy was not installed from its repository, so it does not know where its "
        "template is: name the repository or a checkout of it with --template."
    )


def fetch(origin: Origin, to: Path, otherwise: str = _OTHERWISE) -> Path:
    """Give the template's files, to read the questions from. What else its user can do where that
    fails is said `otherwise`.
    """
    if origin.folder is not None and origin.ref is None:
        return origin.folder
    url = _url(origin.source)
    if origin.ref is not None and origin.ref.startswith("-"):
        raise BadAnswer(f"--ref {origin.ref}: it is no tag and no commit.")
    try:
        _git("clone", "--quiet", "--", url, str(to))
        if origin.ref is not None:
            _git("-C", str(to), "checkout", "--quiet", origin.ref, "--")
    except subprocess.CalledProcessError as error:
        said = " ".join(error.stderr.split())
        raise Refusal(
            f"The template can't be fetched from {url} at {origin.ref or 'its newest version'}: "
            f"{said} Check the address, the version and the network, or {otherwise}."
        ) from error
    return to


def _url(source: str) -> str:
    """The address that git takes, of one that Copier takes."""
    for short, host in _HOSTS.items():
        if source.startswith(short):
            return f"{host}/{source.removeprefix(short).strip('/').removesuffix('.git')}.git"
    return str(Path(source).expanduser()) if source.startswith("~") else source.removeprefix("git+")


def _of_folder(folder: Path, ref: str | None) -> Origin:
    if not (folder / "copier.yml").is_file():
        raise Refusal(
            f"{folder} holds no copier.yml, so it is not the template: name the repository or a "
            "checkout of it with --template."
        )
    source = str(folder.resolve())
    try:
        commit = _git(
            "-C", source, "rev-parse", "--verify", "--quiet", f"{ref or 'HEAD'}^{{commit}}"
        )
    except subprocess.CalledProcessError as error:
        if ref is not None:
            raise Refusal(
                f"{folder} has no version {ref}: `git tag` lists those it has."
            ) from error
        return Origin(source, None)
    return Origin(source, ref or commit)


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
