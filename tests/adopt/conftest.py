"""The merges as an adopted project has them: stamped once, with every guardrail."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from guardrails.merges.targets import Targets, load
from stamping import ENVIRONMENT, Project, Stamper, git

from roadworthy.verifying import Workplace, workplace


@pytest.fixture(scope="session")
def adopted(stamper: Stamper) -> Project:
    return stamper.stamp(mode="adopt")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    return tmp_path


@pytest.fixture(scope="session")
def targets(adopted: Project) -> Targets:
    return load(adopted.path / "guardrails" / "merges")


@pytest.fixture
def place() -> Iterator[Workplace]:
    with workplace() as made:
        yield made


@pytest.fixture
def kept_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' environment stands in for the fitted service's, and is not to be changed."""
    monkeypatch.setenv("UV_NO_SYNC", "1")
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", str(ENVIRONMENT))
