"""Env files leave version control, and stay in their owner's folder to the byte."""

import subprocess
import sys
from pathlib import Path

import pytest
from stamping import commit_all, git

from roadworthy.applying.environment import advice, keeping, switch, untrack
from roadworthy.applying.repository import Repository
from roadworthy.refusal import Refusal

_FILES = {
    ".env": b"VITE_URL=https://example.com\r\nTOKEN=\xe9\n",
    "backend/app/.env.local": b"ONLY=one\n",
    "backend/app/main.py": b"print()\n",
    ".env.production": b"P=1",
    ".env.example": b"VITE_URL=\n",
}
_OUT = (".env", ".env.production", "backend/app/.env.local")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The user's: everything tracked, one file with a mode of its own."""
    top = tmp_path / "mine"
    for path, content in _FILES.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(content)
    (top / ".env").chmod(0o600)
    git(top, "init", "--quiet")
    git(top, "config", "core.autocrlf", "false")
    commit_all(top, "Mine")
    return top


@pytest.fixture
def clone(repository: Path, tmp_path: Path) -> Path:
    """What the command works in: ignore lines committed, nothing untracked yet."""
    to = tmp_path / "clone"
    git(repository, "clone", "--quiet", str(repository), str(to))
    git(to, "switch", "--quiet", "--create", "adopt")
    (to / ".gitignore").write_text(".env\n.env.*\n!.env.example\n")
    commit_all(to, "Ignore")
    return to


def _land(clone: Path, repository: Path) -> str:
    git(clone, "commit", "--quiet", "--message", "Untrack")
    git(repository, "fetch", "--quiet", str(clone), "adopt")
    return git(repository, "rev-parse", "FETCH_HEAD")


def _contents(folder: Path) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in _FILES}


def test_they_are_untracked_and_stay_where_they_are(clone: Path, repository: Path) -> None:
    out = untrack(clone, _OUT)
    assert (set(out.paths), out.left) == (set(_OUT), {})
    tip = _land(clone, repository)
    assert set(switch(repository, "adopt", tip)) == set(_OUT)
    assert _contents(repository) == _FILES
    assert (repository / ".env").stat().st_mode & 0o777 == 0o600
    assert git(repository, "status", "--porcelain") == ""
    assert set(_OUT).isdisjoint(git(repository, "ls-files").splitlines())
    git(repository, "switch", "--quiet", "-")
    assert _contents(repository) == _FILES
    assert git(repository, "status", "--porcelain") == ""
    assert set(switch(repository, "adopt")) == set(_OUT)
    assert _contents(repository) == _FILES


def test_a_merge_keeps_them_too(clone: Path, repository: Path) -> None:
    untrack(clone, _OUT)
    tip = _land(clone, repository)
    with keeping(repository, tip) as kept:
        git(repository, "merge", "--quiet", "--ff-only", tip)
    assert set(kept) == set(_OUT)
    assert _contents(repository) == _FILES


def test_what_is_not_ignored_or_not_tracked_is_left_and_said(clone: Path) -> None:
    (clone / "backend" / "app" / ".gitignore").write_text("!.env.local\n")
    out = untrack(clone, [*_OUT, "nowhere/.env"])
    assert out.paths == (".env", ".env.production")
    assert "ignore file" in out.left["backend/app/.env.local"]
    assert out.left["nowhere/.env"] == "git does not track it"
    assert (clone / ".env").exists()


def test_a_name_that_reads_like_a_pattern_is_a_name(clone: Path) -> None:
    (clone / ":(glob)x").mkdir()
    (clone / ":(glob)x" / ".env").write_text("A=1\n")
    git(clone, "--literal-pathspecs", "add", "--force", ":(glob)x/.env")
    assert untrack(clone, [":(glob)x/.env"]).paths == (":(glob)x/.env",)


def test_a_switch_that_git_refuses_changes_nothing(clone: Path, repository: Path) -> None:
    untrack(clone, _OUT)
    (clone / "backend" / "app" / "main.py").write_text("print(2)\n")
    git(clone, "add", "backend/app/main.py")
    tip = _land(clone, repository)
    (repository / "backend" / "app" / "main.py").write_text("print(3)\n")
    before = git(repository, "status", "--porcelain")
    with pytest.raises(Refusal, match="main"):
        switch(repository, "adopt", tip)
    assert git(repository, "status", "--porcelain") == before
    assert git(repository, "branch", "--list", "adopt") == ""
    assert (repository / ".env").read_bytes() == _FILES[".env"]
    assert not (repository / ".git" / "roadworthy-kept").exists()


def test_an_interrupted_switch_loses_nothing(clone: Path, repository: Path) -> None:
    """Killed after git has switched and before the files are back: the next run puts them back."""
    untrack(clone, _OUT)
    tip = _land(clone, repository)
    killed = (
        "import os, signal, sys; from pathlib import Path; "
        "from roadworthy.applying import environment as e; "
        "e.recover = lambda _: os.kill(os.getpid(), signal.SIGKILL); "
        "e.switch(Path(sys.argv[1]), 'adopt', sys.argv[2])"
    )
    ran = subprocess.run([sys.executable, "-c", killed, str(repository), tip], check=False)
    assert ran.returncode == -9
    assert not (repository / ".env").exists()
    assert Repository.at(repository).branch == "adopt"
    assert _contents(repository) == _FILES
    assert not (repository / ".git" / "roadworthy-kept").exists()


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_values_that_git_was_told_not_to_see_stay(clone: Path, repository: Path, flag: str) -> None:
    """The usual way to change a tracked `.env` for oneself alone."""
    untrack(clone, _OUT)
    tip = _land(clone, repository)
    git(repository, "update-index", flag, ".env")
    (repository / ".env").write_text("TOKEN=mine\n")
    switch(repository, "adopt", tip)
    assert (repository / ".env").read_text() == "TOKEN=mine\n"
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.parametrize("target", [".env", "../elsewhere/.env", "no-such-file"])
def test_a_link_stays_a_link(repository: Path, tmp_path: Path, target: str) -> None:
    """Its target is not seen from where it is kept meanwhile."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/.env").write_text("KEY=1\n")
    (repository / ".env.local").symlink_to(target)
    (repository / ".gitignore").write_text(".env.local\n")
    git(repository, "add", "--force", ".env.local", ".gitignore")
    git(repository, "commit", "--quiet", "--message", "Link")
    clone = tmp_path / "clone"
    git(repository, "clone", "--quiet", str(repository), str(clone))
    git(clone, "switch", "--quiet", "--create", "adopt")
    assert untrack(clone, [".env.local"]).paths == (".env.local",)
    switch(repository, "adopt", _land(clone, repository))
    assert str((repository / ".env.local").readlink()) == target
    assert (tmp_path / "elsewhere/.env").read_text() == "KEY=1\n"


def test_a_worktree_keeps_its_own(clone: Path, repository: Path, tmp_path: Path) -> None:
    untrack(clone, _OUT)
    tip = _land(clone, repository)
    worktree = tmp_path / "beside"
    git(repository, "worktree", "add", "--quiet", "-b", "other", str(worktree))
    switch(worktree, "adopt", tip)
    assert _contents(worktree) == _FILES
    assert _contents(repository) == _FILES


def test_the_advice_names_what_the_host_must_know() -> None:
    said = advice(
        [
            {"path": ".env", "names": ["VITE_URL", "TOKEN"], "public": False},
            {"path": "web/.env.local", "names": ["TOKEN"], "public": False},
        ]
    )
    assert "set `VITE_URL` and `TOKEN` where" in said[0]
    assert "`.env` and `web/.env.local` stays in this folder" in said[1]
    assert "revokes nothing" in said[-1]
    assert "\n" not in "".join(said)
    assert advice([]) == ()


def test_a_switch_that_breaks_off_halfway_is_undone(clone: Path, repository: Path) -> None:
    """Git fills the folder first: a branch that can't be made is told when all is there."""
    untrack(clone, _OUT)
    (clone / "deep/er").mkdir(parents=True)
    (clone / "deep/er/new.txt").write_text("new\n")
    (clone / "backend/app/main.py").write_text("changed\n")
    git(clone, "add", "--all")
    tip = _land(clone, repository)
    (repository / "deep").mkdir()
    (repository / "deep/mine.txt").write_text("mine\n")
    (repository / ".git/info/exclude").write_text("mine.txt\n")
    locked = repository / ".git/refs/heads/adopted.lock"
    locked.touch()
    with pytest.raises(Refusal, match="adopted"):
        switch(repository, "adopted", tip)
    assert _contents(repository) == _FILES
    assert git(repository, "status", "--porcelain") == ""
    assert [path.name for path in (repository / "deep").iterdir()] == ["mine.txt"]
    locked.unlink()
    switch(repository, "adopted", tip)
    assert (repository / "deep/er/new.txt").read_text() == "new\n"
