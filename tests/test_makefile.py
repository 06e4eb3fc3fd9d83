"""The Makefile of a stamp, on a machine that lacks something."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from stamping import ENVIRONMENT, ROOT, Project, Stamper

COMMANDS = ("make", "sh", "awk", "git")


@pytest.fixture
def project(stamper: Stamper) -> Project:
    return stamper.stamp()


@pytest.fixture
def without_uv(tmp_path: Path) -> dict[str, str]:
    for command in COMMANDS:
        found = shutil.which(command)
        assert found, f"{command} is not installed"
        (tmp_path / command).symlink_to(found)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return kept | {"PATH": str(tmp_path)}


def make(project: Project, environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    ran = subprocess.run(
        ["make", *arguments],
        cwd=project.path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout


@pytest.mark.parametrize("target", ["setup", "dev", "check", "test", "coverage", "backup", "sbom"])
def test_without_uv_a_command_says_how_to_get_it(
    target: str, project: Project, without_uv: dict[str, str]
) -> None:
    code, said = make(project, without_uv, target)
    assert code != 0
    assert said.count("uv is not on the PATH") == 1
    assert "pip install uv" in said
    assert "https://docs.astral.sh/uv/" in said
    assert len(said.splitlines()) <= 2


def test_without_a_network_setup_says_what_to_do(stamper: Stamper, tmp_path: Path) -> None:
    project = stamper.fresh()
    path = f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ['PATH']}"
    nowhere = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache"), "PATH": path}
    code, said = make(project, os.environ | nowhere, "setup")
    assert code != 0
    assert "Is there a network?" in said
    assert "UV_DEFAULT_INDEX" in said


def test_without_a_network_this_repository_says_what_to_do_in_a_line(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_", "MAKE"))}
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
    ran = subprocess.run(
        ["make", ".venv/ready", f"PYTHON={sys.executable}"],
        cwd=tmp_path,
        env=kept | nowhere | {"PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode != 0
    said, *rest = (ran.stdout + ran.stderr).splitlines()
    assert said.startswith("uv can't be installed")
    assert "Is there a network?" in said
    assert "PIP_INDEX_URL" in said
    assert all(line.startswith("make") for line in rest)


def test_without_uv_the_commands_are_listed(project: Project, without_uv: dict[str, str]) -> None:
    code, said = make(project, without_uv)
    assert code == 0
    assert "***" not in said
    assert "Gate: the code is formatted" in said


@pytest.mark.parametrize(
    ("target", "ci", "covered"),
    [("test", "", False), ("test", "true", True), ("coverage", "", True)],
)
def test_coverage_is_taken_in_ci_and_when_it_is_asked_for(
    target: str, ci: str, *, covered: bool, project: Project
) -> None:
    code, said = make(project, project.environment() | {"CI": ci}, "--dry-run", target)
    assert code == 0
    assert ("pytest --cov" in said) is covered


def test_a_gate_can_be_added_and_none_taken_away(stamper: Stamper) -> None:
    project = stamper.fresh()
    own = "GATES := spelling format\n\n.PHONY: spelling\nspelling:\n\t@echo spelled\n"
    (project.path / "local.mk").write_text(own)
    code, said = make(project, project.environment(), "--dry-run", "check")
    assert code == 0
    (gates,) = [line for line in said.splitlines() if "for gate in" in line]
    listed = gates.partition("for gate in ")[2].partition(";")[0].split()
    assert listed == [*stamper.stamp().gates, "spelling"]


def test_too_little_coverage_fails_the_tests(stamper: Stamper) -> None:
    """Of all the tests one file is run: each passes, and of the code little is reached."""
    one = "tests/platform/test_heads.py -p no:cacheprovider"
    ran = stamper.fresh().run("make", "test", CI="true", PYTEST_ADDOPTS=one)
    assert ran.returncode != 0
    assert " failed" not in ran.stdout
    assert re.search(r"total of \d+ is less than fail-under=\d+", ran.stdout), ran.stdout[-2000:]
