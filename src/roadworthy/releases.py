"""The template's versions: which is the newest, and how one stands to another."""

from pathlib import Path

from packaging.version import InvalidVersion, Version

from .applying.git import asked, git, run
from .refusal import Refusal


def newest_release(template: Path) -> str:
    """The newest release, as Copier picks it: no candidate for one; without any, the newest
    commit.
    """
    tags = [tag for tag in git(template, "tag", "--list").split() if _is_release(tag)]
    if tags:
        return max(tags, key=Version)
    return git(template, "rev-parse", "--short", "HEAD").strip()


def is_ahead(template: Path, recorded: str, newest: str) -> bool:
    """Whether a project was stamped from a commit that came after the newest release.

    Raises:
        Refusal: the template has no such commit.

    """
    commit = _commit(template, recorded)
    if commit is None:
        raise Refusal(
            f"The project says that it is of version {recorded}, which its template does not have: "
            "write the tag or commit that it was stamped from into .copier-answers.yml (_commit)."
        )
    newest_commit = _commit(template, newest)
    if newest_commit in {None, commit}:
        return False
    return run(template, "merge-base", "--is-ancestor", str(newest_commit), commit).returncode == 0


def as_branch(template: Path, version: str) -> str:
    """What the version is called in the name of a branch: not every revision may be part of it."""
    if run(template, "check-ref-format", f"refs/heads/{version}").returncode == 0:
        return version
    return (_commit(template, version) or version)[:12]


def _is_release(tag: str) -> bool:
    try:
        return not Version(tag).is_prerelease
    except InvalidVersion:
        return False


def _commit(template: Path, version: str) -> str | None:
    return asked(
        template, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{version}^{{commit}}"
    )
