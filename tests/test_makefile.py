"""The Makefile of a stamp, on a machine that lacks something."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from stamping import Project, Stamper

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
