"""Repositories as people have them: line ends of Windows, submodules, links, half a checkout."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from adopting import adopt, everything, guardrails
from guardrails.engine import earlier
from prototype_trees import lay_out
from stamping import commit_all, git

from roadworthy.applying.environment import recover
from roadworthy.applying.laying import lay
from roadworthy.applying.repository import NoRepository, Repository, commit, make_repository
from roadworthy.refusal import Refusal


@pytest.fixture
def tides(tmp_path: Path) -> Path:
    return lay_out("tide-table", tmp_path / "tide-table", mess=False)


def _stamp(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("ours\n")
    return folder


@pytest.mark.parametrize("where", ["elsewhere", "tide-table/shared"])
def test_nothing_is_written_through_a_link(
    tides: Path, template: Path, tmp_path: Path, where: str
) -> None:
    """Of the repository's folders one may be a link, out of it or to another of its folders."""
    (tmp_path / where).mkdir()
    (tides / ".github").symlink_to(tmp_path / where)
    commit_all(tides, "Link")
    before = everything(tmp_path)
    ran = adopt(tides, "--yes", "--template", str(template))
    assert ran.returncode == 1
    assert ".github is a link" in ran.stderr
    assert everything(tmp_path) == before
    ran = adopt(tides, "--dry-run", "--decline", "ci", "--template", str(template))
    assert ran.returncode == 0, ran.stderr


def test_line_ends_of_windows_are_nobody_s_edit(template: Path, tmp_path: Path) -> None:
    tree = lay_out("van-hire", tmp_path / "van-hire", mess=False)
    (tree / ".gitattributes").write_text("* text=auto eol=crlf\n")
    commit_all(tree, "Windows")
    for path in git(tree, "ls-files").splitlines():
        (tree / path).unlink()
    git(tree, "checkout", "--quiet", "--", ".")
    first = adopt(tree, "--yes", "--only", "ci", "--only", "secrets", "--template", str(template))
    assert first.returncode == 0, first.stderr
    assert git(tree, "status", "--porcelain") == ""
    changed = git(tree, "diff", "--numstat", "--diff-filter=M", "main", "HEAD").splitlines()
    assert {line.split()[1] for line in changed if not line.endswith("package.json")} <= {"0"}
    before = everything(tree)
    second = adopt(tree, "--yes", "--template", str(template), "--only", "ci")
    assert second.returncode == 0, second.stderr
    assert "Nothing to add" in second.stdout
    assert everything(tree) == before
    whole = guardrails(tree, "guardrails", "baseline")
    assert "0 came, 0 went" in whole.stdout + whole.stderr


def test_a_file_in_git_with_other_line_ends_than_its_attributes_say(tmp_path: Path) -> None:
    """Added again, it would be a change of every line."""
    tree = tmp_path / "mine"
    tree.mkdir()
    git(tree, "init", "--quiet")
    (tree / ".gitattributes").write_text("* -text\n")
    (tree / "package.json").write_bytes(b"{\r\n}\r\n")
    commit_all(tree, "Windows")
    (tree / ".gitattributes").write_text("* text\n")
    git(tree, "add", ".gitattributes")
    git(tree, "commit", "--quiet", "--message", "Attributes")
    git(tree, "update-index", "--assume-unchanged", "package.json")
    clone = Repository.at(tree).clone(tmp_path / "clone")
    os.utime(clone / "package.json", (1, 1))
    assert git(clone, "status", "--porcelain") == ""
    assert (clone / "package.json").read_bytes() == b"{\r\n}\r\n"


def test_no_filter_of_the_user_s_runs_in_the_clone(
    tides: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tides / ".gitattributes").write_text("*.csv filter=loud\n")
    commit_all(tides, "Filter")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "filter.loud.smudge")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", f"touch {tmp_path}/ran; cat")
    Repository.at(tides).clone(tmp_path / "clone")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("settings", "author"),
    [
        ({}, "Roadworthy <roadworthy@localhost>"),
        ({"user.email": "ada@example.com", "user.useConfigOnly": "true"},
         "Roadworthy <ada@example.com>"),
        ({"user.name": "Ada", "user.email": "ada@example.com"}, "Ada <ada@example.com>"),
    ],
)  # fmt: skip
def test_whoever_git_knows_is_the_author(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], author: str
) -> None:
    """And what git is to sign with is not asked for."""
    for name in list(os.environ):
        if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER", "GIT_CONFIG")) or name == "EMAIL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "mine"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for name, value in (settings | {"commit.gpgSign": "true", "gpg.program": "false"}).items():
        git(folder, "config", name, value)
    (folder / "mine.txt").touch()
    git(folder, "add", "mine.txt")
    commit(folder, "Mine")
    assert git(folder, "log", "--format=%an <%ae>") == author


def test_a_repository_that_git_does_not_read_is_one(
    tides: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of another user's, git says how it is trusted; another is not made in its place."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(Refusal, match=r"safe\.directory") as refused:
        Repository.at(tides)
    assert not isinstance(refused.value, NoRepository)


def test_what_is_not_checked_out_is_taken_too(template: Path, tmp_path: Path) -> None:
    tree = lay_out("choir", tmp_path / "choir", mess=False)
    git(tree, "sparse-checkout", "set", "backend")
    assert not (tree / "service").exists()
    ran = adopt(tree, "--yes", "--app", "backend", "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    assert "git sparse-checkout disable" in ran.stderr.replace("\n", " ")
    answers = yaml.safe_load((tree / ".copier-answers.yml").read_text())
    assert (answers["home"], answers["service_dir"]) == ("guarded", "guarded-service")


def test_a_submodule_is_a_repository_of_its_own(template: Path, tmp_path: Path) -> None:
    tree = lay_out("tide-table", tmp_path / "tide-table", mess=False)
    other = lay_out("van-hire", tmp_path / "van-hire", mess=False)
    git(tree, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "van")
    commit_all(tree, "Submodule")
    ran = adopt(tree, "--yes", "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    answers = yaml.safe_load((tree / ".copier-answers.yml").read_text())
    assert (answers["app"], [it["folder"] for it in answers["own_checks"]]) == (".", ["."])
    looked = guardrails(tree, "guardrails", "check", "--format", "text").stdout
    assert "van/" not in looked


@pytest.mark.parametrize(
    ("stamped", "theirs"),
    [
        ("SECURITY.md", "Security.md"),
        ("SECURITY.md", ".github/SECURITY.md"),
        ("renovate.json", ".github/renovate.json5"),
        ("renovate.json", ".renovaterc"),
    ],
)
def test_what_does_the_same_elsewhere_stays_the_one(
    tmp_path: Path, stamped: str, theirs: str
) -> None:
    """Renovate reads the first that it finds; SECURITY.md and Security.md are one on many disks."""
    stamp, clone = _stamp(tmp_path / "stamp", stamped, "guardrails/a.py"), tmp_path / "clone"
    _stamp(clone, theirs)
    assert lay(stamp, None, clone).added == ("guardrails/a.py",)
    assert not (clone / stamped).exists()


def test_a_manifest_may_hold_what_renovate_reads(tmp_path: Path) -> None:
    stamp, clone = _stamp(tmp_path / "stamp", "renovate.json"), tmp_path / "clone"
    clone.mkdir()
    (clone / "package.json").write_text('{"renovate": {"extends": ["config:base"]}}')
    assert lay(stamp, None, clone).left == ("package.json",)


def test_what_the_letters_of_a_name_tell_apart_is_still_taken(tmp_path: Path) -> None:
    stamp, clone = _stamp(tmp_path / "stamp", "guardrails/Makefile"), tmp_path / "clone"
    _stamp(clone, "guardrails/makefile").joinpath("guardrails/makefile").write_text("theirs\n")
    with pytest.raises(Refusal, match="is a file of the prototype's"):
        lay(stamp, None, clone)


def test_a_variable_of_a_hook_names_no_other_repository(
    tides: Path, template: Path, tmp_path: Path
) -> None:
    """Git sets them for hooks and aliases."""
    other = lay_out("van-hire", tmp_path / "van-hire", mess=False)
    before = everything(other)
    ran = adopt(
        tides, "--dry-run", "--template", str(template),
        GIT_DIR=str(other / ".git"), GIT_INDEX_FILE=str(other / ".git/index"),
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "streamlit" in ran.stdout
    assert everything(other) == before


def test_what_is_ignored_lands_and_is_in_the_baseline(template: Path, tmp_path: Path) -> None:
    tree = lay_out("corner-shop", tmp_path / "corner-shop", mess=False)
    (tree / ".gitignore").write_text("*.sql\n*.toml\n*.md\n*.lock\nservice/\ndocs\nops\n.github\n")
    commit_all(tree, "Ignore much")
    ran = adopt(tree, "--yes", "--template", str(template))
    assert ran.returncode == 0, ran.stderr
    assert {".github/workflows/guardrails.yml", "service/gate.toml", "guardrails/guards.toml",
            "guardrails/access-matrix.lock", "guardrails/proposed/indexes.sql",
            } <= set(git(tree, "ls-files").splitlines())  # fmt: skip
    again = guardrails(tree, "guardrails", "baseline")
    assert "0 came, 0 went" in again.stdout + again.stderr


_HALFWAY = """
import os, signal, subprocess, sys
from pathlib import Path
from roadworthy.applying import environment

def half(repository, *arguments):
    if arguments[0] != "switch":
        return real(repository, *arguments)
    real(repository, "read-tree", "-m", "-u", "HEAD", sys.argv[2])
    Path(repository, "guardrails/guards.toml").write_text("[[")
    Path(repository, "guardrails/mine.txt").write_text("mine")
    Path(repository, ".git/index.lock").touch()
    os.kill(os.getpid(), signal.SIGKILL)

real, environment.git = environment.git, half
environment.switch(Path(sys.argv[1]), "roadworthy/adopt", sys.argv[2])
"""


def test_a_switch_that_was_killed_is_undone_by_the_next_run(tmp_path: Path) -> None:
    tree = tmp_path / "mine"
    files = {".env": "KEY=1\n", ".gitignore": "", "guardrails/guards.toml": "[[guard]]\n"}
    for path in (".env", ".gitignore"):
        _stamp(tree, path).joinpath(path).write_text(files[path])
    git(tree, "init", "--quiet", "--initial-branch", "main")
    commit_all(tree, "Mine")
    git(tree, "switch", "--quiet", "--create", "there")
    git(tree, "rm", "--quiet", "--cached", ".env")
    (tree / ".gitignore").write_text(".env\n")
    _stamp(tree, "guardrails/guards.toml", "guardrails/deep/er.py")
    (tree / "guardrails/guards.toml").write_text(files["guardrails/guards.toml"])
    commit_all(tree, "Theirs")
    tip = git(tree, "rev-parse", "HEAD")
    (tree / ".env").unlink()
    git(tree, "switch", "--quiet", "main")
    before = everything(tree)
    killed = subprocess.run([sys.executable, "-c", _HALFWAY, str(tree), tip], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tree / ".env").exists()
    with pytest.raises(Refusal, match=r"index\.lock is there"):
        recover(tree)
    (tree / ".git/index.lock").unlink()
    recover(tree)
    (tree / "guardrails/mine.txt").unlink()  # somebody's own, made meanwhile
    (tree / "guardrails").rmdir()
    assert git(tree, "status", "--porcelain") == ""
    assert everything(tree) == before


def _with_a_bad_file(folder: Path) -> None:
    (folder / "sub").mkdir()
    git(folder / "sub", "init", "--quiet")


def _with_lines(folder: Path) -> None:
    git(folder, "init", "--quiet")
    (folder / ".git/info/exclude").write_text("mine.txt")


@pytest.mark.parametrize(("prepared", "made"), [(_with_a_bad_file, False), (_with_lines, True)])
def test_a_repository_is_made_whole_or_not_at_all(
    tmp_path: Path, prepared: Callable[[Path], None], *, made: bool
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    prepared(folder)
    (folder / "mine.txt").touch()
    (folder / "app.py").touch()
    if made:
        make_repository(folder)
        assert git(folder, "ls-files").splitlines() == ["app.py"]
        return
    with pytest.raises(Refusal):
        make_repository(folder)  # a repository without a commit can't be added
    assert not (folder / ".git").exists()


def test_the_guards_of_a_checkout_on_windows_are_no_newer_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earlier, "HERE", tmp_path)
    told = set()
    for end in ("\n", "\r\n"):
        (tmp_path / "guard.py").write_bytes(f"one{end}two{end}".encode())
        earlier.identity.cache_clear()
        told.add(earlier.identity())
    (tmp_path / "guard.py").write_bytes(b"one\nthree\n")
    earlier.identity.cache_clear()
    told.add(earlier.identity())
    earlier.identity.cache_clear()
    assert len(told) == 2
