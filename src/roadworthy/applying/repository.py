"""The user's repository: looked at, cloned, and changed by one step at the end.

Everything is made in a clone. Until `land` the repository holds nothing new, so a run that is
killed leaves the tree and the branches exactly as they were.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from roadworthy.refusal import Refusal

from .environment import keeping, recover, switch
from .git import asked, differing, git, run

BRANCH = "roadworthy/adopt"
_NEVER_FIRST = (
    "node_modules/",
    ".venv/",
    "venv/",
    "__pycache__/",
    ".env",
    ".env.*",
    "!.env.example",
)
_MOST_NAMED = 5
_UNFINISHED = {
    "MERGE_HEAD": "a merge",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisection",
}


class NoRepository(Refusal):
    """The folder is in no git repository, or in one without a commit."""


@dataclass(frozen=True)
class Repository:
    """A repository with a clean tree, on a branch. `remote` is the address it came from, `target`
    the branch that is to land.
    """

    top: Path
    branch: str
    commit: str
    remote: str
    target: str = BRANCH

    @classmethod
    def at(cls, path: Path) -> "Repository":
        """The repository that the folder is in.

        Raises:
            NoRepository: there is none, or it has no commit.
            Refusal: work that is not committed, an unfinished merge, no branch, or a bare one.

        """
        root = _top(path)
        commit = asked(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if commit is None:
            raise NoRepository(f"{root} is a git repository without a commit.")
        for mark, what in _UNFINISHED.items():
            if Path(root, asked(root, "rev-parse", "--git-path", mark) or mark).exists():
                raise Refusal(f"{what} is not finished in {root}: finish it, and run this again.")
        branch = asked(root, "symbolic-ref", "--quiet", "--short", "HEAD")
        if branch is None:
            raise Refusal(f"{root} is on no branch: `git switch main`, and run this again.")
        recover(root)
        _check_clean(root)
        remote = asked(root, "config", "--get", "remote.origin.url") or ""
        return cls(root, branch, commit, remote)

    def taken(self, path: str) -> bool:
        """Whether there is anything of that name, tracked or not, and checked out or not. Letters
        of both cases are one: so they are on many a disk.
        """
        folder, wanted = self.top, Path(path)
        tracked = git(self.top, "ls-files", "-z").lower().split("\0")
        if any(f"{name}/".startswith(f"{wanted.as_posix().lower()}/") for name in tracked):
            return True
        for part in wanted.parts:
            try:
                names = {entry.name.lower(): entry.name for entry in os.scandir(folder)}
            except OSError:
                return folder != self.top and (folder.exists() or folder.is_symlink())
            if part.lower() not in names:
                return False
            folder /= names[part.lower()]
        return True

    @property
    def partly_there(self) -> bool:
        """Whether git leaves a part of it out of the folder (`git sparse-checkout`)."""
        return asked(self.top, "config", "--type=bool", "--get", "core.sparseCheckout") == "true"

    def clone(self, to: Path) -> Path:
        """A clone on the branch that is to land. It borrows the objects; none are copied."""
        git(self.top, "clone", "--quiet", "--shared", "--no-tags", "--no-checkout", "--branch",
            self.branch, str(self.top), str(to))  # fmt: skip
        _hold_bytes_as_git_does(to)
        git(to, "checkout", "--quiet")
        for name in ("user.name", "user.email"):
            if value := asked(self.top, "config", "--get", name):
                git(to, "config", name, value)
        if self.branch != self.target:
            git(to, "switch", "--quiet", "--create", self.target)
        return to

    def check_branch(self) -> None:
        """Refuse a branch of an earlier run that was left where it is, and one whose name is part
        of the target's: git has room for one of them only.
        """
        if self.branch == self.target:
            return
        if other := self._in_its_way():
            raise Refusal(
                f"Beside a branch called {other} git has no room for one called {self.target}. "
                f"Give it another name with `git branch -m {other} NAME`, and run this again."
            )
        if self._has_branch():
            raise Refusal(
                f"The branch {self.target} is there already, from an earlier run. Go on there with "
                f"`git switch {self.target}`, or throw it away with `git branch -D {self.target}`."
            )

    def land(self, clone: Path) -> None:
        """Take the clone's branch, and switch to it.

        A file that is no longer tracked on the branch stays where it is, as it is.

        Raises:
            Refusal: something came in between, or a file of the user's is in the way.

        """
        _check_clean(self.top)
        self.check_branch()
        if asked(self.top, "rev-parse", "HEAD") != self.commit:
            raise Refusal(f"{self.top} has moved on meanwhile: run this again.")
        # Objects only: until the switch there is no trace of them.
        fetched = ("--no-tags", "--no-write-fetch-head", str(clone), self.target)
        git(self.top, "fetch", "--quiet", *fetched)
        tip = git(clone, "rev-parse", self.target).strip()
        for path in differing(self.top, "A", self.commit, tip):
            if (other := self._over(path)) is not None:
                raise Refusal(
                    f"{other} is in the way: git ignores it, and the branch would overwrite it. "
                    "Move it, and run this again."
                )
        if self.branch == self.target:
            with keeping(self.top, tip):
                git(self.top, "merge", "--quiet", "--ff-only", tip)
        else:
            switch(self.top, self.target, tip)

    def _over(self, path: str) -> Path | None:
        """What git would take away for a new file: one of that name, or one where a folder is
        needed.
        """
        folders = [self.top / folder for folder in reversed(Path(path).parents[:-1])]
        for folder in folders:
            if folder.is_symlink() or (os.path.lexists(folder) and not folder.is_dir()):
                return folder
        return self.top / path if os.path.lexists(self.top / path) else None

    def _in_its_way(self) -> str | None:
        parents = {str(parent) for parent in PurePosixPath(self.target).parents}
        branches = git(self.top, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")
        return next(
            (
                name
                for name in branches.splitlines()
                if name in parents or name.startswith(f"{self.target}/")
            ),
            None,
        )

    def _has_branch(self) -> bool:
        named = f"refs/heads/{self.target}"
        return asked(self.top, "rev-parse", "--verify", "--quiet", named) is not None


def _top(path: Path) -> Path:
    ran = run(path, "rev-parse", "--show-toplevel")
    if ran.returncode == 0:
        return Path(ran.stdout.removesuffix("\n"))
    if "not a git repository" in ran.stderr:
        raise NoRepository(f"{path} is in no git repository, and git is what makes this undone.")
    # One that belongs to somebody else, is broken, or has no folder: git says what to do.
    raise Refusal(f"git can't read the repository of {path}: {' '.join(ran.stderr.split())}")


def make_repository(folder: Path) -> None:
    """Make one of a folder, with everything in its first commit but packages and .env files."""
    hidden = folder / ".git"
    before = os.path.lexists(hidden)
    try:
        git(folder, "init", "--quiet", "--initial-branch", "main")
        exclude = folder / git(folder, "rev-parse", "--git-path", "info/exclude").strip()
        exclude.parent.mkdir(parents=True, exist_ok=True)
        with exclude.open("a", encoding="utf-8") as lines:
            lines.write("\n".join(("", *_NEVER_FIRST, "")))
        git(folder, "add", "--all")
        commit(folder, "The prototype as it is")
    except BaseException:
        if not before:
            shutil.rmtree(hidden, ignore_errors=True)
        raise


def stage(clone: Path) -> None:
    """Stage everything, what an ignore file of the prototype's names (`*.sql`, `docs/`) too."""
    git(clone, "add", "--all", "--force")


def commit(repository: Path, message: str) -> None:
    """Commit what is staged, in the user's name when git knows it."""
    git(repository, *_somebody(repository), "commit", "--quiet", "--no-verify", "--no-gpg-sign",
        "--message", message)  # fmt: skip


def _hold_bytes_as_git_does(clone: Path) -> None:
    """No line end is converted and no filter runs there, whatever the user's git is set to: a file
    that is committed again would hold more changes than were made, and one that is looked at
    others than the branch has.
    """
    attributes = clone / ".git" / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("* -text -filter -ident -working-tree-encoding\n", encoding="utf-8")


def _somebody(folder: Path) -> list[str]:
    """Options for a commit, where git does not know all of its author."""
    email = asked(folder, "config", "--get", "user.email")
    if email and asked(folder, "var", "GIT_AUTHOR_IDENT"):
        return []
    name = asked(folder, "config", "--get", "user.name") if email else None
    return [
        *("-c", f"user.name={name or 'Roadworthy'}"),
        *("-c", f"user.email={email or 'roadworthy@localhost'}"),
    ]


def _check_clean(root: Path) -> None:
    lines = git(root, "status", "--porcelain", "--untracked-files=normal").splitlines()
    if not lines:
        return
    named = ", ".join(line[3:] for line in lines[:_MOST_NAMED])
    more = f" and {len(lines) - _MOST_NAMED} more" if len(lines) > _MOST_NAMED else ""
    raise Refusal(
        f"There is work in {root} that is not committed: {named}{more}. Commit it, or put it aside "
        "with `git stash --include-untracked`, and run this again."
    )
