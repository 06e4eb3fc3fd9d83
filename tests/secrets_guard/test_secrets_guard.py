"""The guard `secrets` on whole repositories: history, broken repositories, and what it prints."""

import json
import subprocess
from pathlib import Path

import pytest
from guardrails.engine.finding import Finding, Severity
from guardrails.engine.guard import Looked
from guardrails.engine.tree import walk
from guardrails.guards.secrets import look, values

PASSWORD = "Tq7wRz81" + "pLm2"
ADDRESS = "mongodb+srv" + f"://orders:{PASSWORD}@cluster0.kq3vd.mongodb.net/orders"


def commit(folder: Path, message: str = "work") -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    for arguments in (("init", "-q"), ("add", "-Af"), (*identity, "commit", "-qm", message)):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def files_of(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*")}


def of_rule(looked: Looked, rule: str) -> list[Finding]:
    return [finding for finding in looked.findings if finding.rule == rule]


def unseen(looked: Looked) -> str:
    return " ".join(f"{entry.what}: {entry.why}" for entry in looked.not_looked)


def test_the_same_secret_in_three_files_is_one_finding_and_is_never_printed(
    tmp_path: Path,
) -> None:
    (tmp_path / "GUIDE.md").write_text(f"Use\n\n    {ADDRESS}\n")
    (tmp_path / ".env").write_text(f"PORT=1\nMONGO={ADDRESS}\n")
    (tmp_path / "seed.js").write_text(f"connect('{ADDRESS}')\n")
    commit(tmp_path)
    looked = look(walk(tmp_path))
    (finding,) = of_rule(looked, "secret.committed")
    assert finding.severity is Severity.CRITICAL
    assert (finding.place.path, finding.place.line) == (".env", 2)
    assert {(place.path, place.line) for place in finding.also} == {("GUIDE.md", 3), ("seed.js", 1)}
    assert "cluster0.kq3vd.mongodb.net" in finding.message
    assert PASSWORD not in json.dumps([str(entry) for entry in looked.findings])


def test_what_is_only_in_the_history_names_its_first_commit(tmp_path: Path) -> None:
    (tmp_path / "deploy.sh").write_text(f"export DATABASE_URL={ADDRESS}\n")
    commit(tmp_path, "begin")
    first = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.strip()
    (tmp_path / "deploy.sh").write_text("export DATABASE_URL=$DATABASE_URL\n")
    commit(tmp_path, "take it out")
    looked = look(walk(tmp_path))
    assert of_rule(looked, "secret.committed") == []
    (finding,) = of_rule(looked, "secret.in-history")
    assert first[:12] in finding.message
    assert finding.detail["commit"] == first
    assert PASSWORD not in str(finding)


def test_it_writes_nothing_into_the_tree_and_reads_no_settings_of_it(tmp_path: Path) -> None:
    (tmp_path / "kingfisher.yaml").write_text("rules:\n  enabled: [none]\n")
    (tmp_path / ".kingfisherignore").write_text("*\n")
    (tmp_path / ".env").write_text(f"MONGO={ADDRESS}\n")
    commit(tmp_path)
    before = files_of(tmp_path)
    assert of_rule(look(walk(tmp_path)), "secret.committed")
    assert files_of(tmp_path) == before


def test_without_git_the_files_are_looked_at_and_the_history_is_said_to_be_missing(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.js").write_text(f"connect('{ADDRESS}')\n")
    looked = look(walk(tmp_path))
    assert of_rule(looked, "secret.committed")
    assert "no git here" in unseen(looked)


@pytest.mark.parametrize(
    ("content", "why"), [("gitdir: nowhere\n", "can't read"), ("garbage", "can't read")]
)
def test_a_broken_repository_is_no_crash(tmp_path: Path, content: str, why: str) -> None:
    (tmp_path / ".git").write_text(content)
    (tmp_path / "a.py").write_text("x = 1\n")
    assert why in unseen(look(walk(tmp_path)))


def test_a_repository_without_a_commit_has_no_history(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert "no commit yet" in unseen(look(walk(tmp_path)))


def test_a_shallow_clone_is_said_to_be_one(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    for number in range(2):
        (origin / "a.py").write_text(f"x = {number}\n")
        commit(origin)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", origin.as_uri(), str(clone)], check=True)
    assert "shallow" in unseen(look(walk(clone)))


def test_a_missing_scanner_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_arguments, **_named: None)
    (tmp_path / "a.py").write_text("x = 1\n")
    looked = look(walk(tmp_path))
    assert "kingfisher is not installed" in unseen(looked)
    assert "kingfisher is not installed" in looked.facts["broken"], "a check would pass"


def test_an_ignored_env_file_was_given_to_nobody(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(".env\n")
    (tmp_path / "a.py").write_text("x = 1\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".env").write_text(f"MONGO={ADDRESS}\n")
    assert of_rule(look(walk(tmp_path)), "secret.committed") == []


@pytest.mark.parametrize(
    "value",
    ["your-api-key-here", "changeme", "xxxxxxxx", "${TOKEN}", "<token>", "postgres", "AbC123XyZ"],
)
def test_placeholders(value: str) -> None:
    assert values.is_placeholder(value)


def test_a_phrase_is_not_random() -> None:
    assert not values.is_random("bakery-management-session-key-2024")
    assert values.is_random("9f2c7d1e" * 2 + "b84a6035")


def test_a_checksum_that_does_not_fit_is_no_github_token() -> None:
    assert not values.github_checksum_fits("ghp_" + "a1B2" * 9)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("remote.origin.url", "ext::sh -c touch% {mark}"),
        ("remote.origin.uploadpack", "touch {mark};"),
        ("core.sshCommand", "touch {mark};"),
    ],
)
def test_what_a_partial_clone_lacks_is_said_and_asked_of_nobody(
    tmp_path: Path, setting: str, value: str
) -> None:
    """The address and the program to ask are the repository's own words."""
    folder, mark = tmp_path / "clone", tmp_path / "ran"
    folder.mkdir()
    for text in (ADDRESS, "second", "third"):
        (folder / "a.py").write_text(f"x = '{text}'\n")
        commit(folder)
    url = "ssh://host/x" if setting == "core.sshCommand" else folder.as_uri()
    older = subprocess.run(
        ["git", "rev-parse", "HEAD~1:"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()
    (folder / ".git" / "objects" / older[:2] / older[2:]).unlink()
    for name, given in {
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        "protocol.allow": "always",
        "remote.origin.url": url,
        "remote.origin.promisor": "true",
        setting: value.format(mark=mark),
    }.items():
        subprocess.run(["git", "config", name, given], cwd=folder, check=True)
    assert "1 of its files are too big, too many or not in this clone" in unseen(look(walk(folder)))
    assert not mark.exists()
