"""The merges as an adopted project has them: stamped once, with every guardrail."""

import pytest
from guardrails.merges.targets import Targets, load
from stamping import Project, Stamper


@pytest.fixture(scope="session")
def adopted(stamper: Stamper) -> Project:
    return stamper.stamp(mode="adopt")


@pytest.fixture(scope="session")
def targets(adopted: Project) -> Targets:
    return load(adopted.path / "guardrails" / "merges")
