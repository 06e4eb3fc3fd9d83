"""What every test of the template starts from: a clone to stamp from, and its stamps."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from advisories import advisory_database
from stamping import Stamper, clone_checkout

collect_ignore = ["prototypes"]
"""Trees to look at and adopt; some have tests of their own, for an environment of their own."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--exhaustive", action="store_true", help="every combination of answers, not every pair"
    )


MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
ENOUGH = 2 * 1024**3


def pytest_configure(config: pytest.Config) -> None:
    """What is made and soon removed, such as Copier's clones, is kept in memory: some file systems
    pass over each place that was freed a moment ago, which took as long as the tests themselves.
    """
    of_a_worker = hasattr(config, "workerinput")
    if of_a_worker or "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    if shutil.disk_usage(MEMORY).free < ENOUGH:
        return
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    # A short name: the address of a socket in it has 108 bytes, and Chromium makes one far below.
    scratch = tempfile.mkdtemp(prefix="t-", dir=MEMORY)
    config.add_cleanup(lambda: shutil.rmtree(scratch, ignore_errors=True))
    tempfile.tempdir = os.environ["TMPDIR"] = scratch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest first: at the end one worker would wait for the other."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session", autouse=True)
def _can_be_interrupted() -> None:
    """In the background of a shell they ignore SIGINT, and so would all that they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _git_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The tests neither read nor need the developer's git configuration."""
    config = tmp_path_factory.mktemp("git") / "config"
    config.write_text("[user]\nname = Ada\nemail = ada@example.com\n[init]\ndefaultBranch = main\n")
    os.environ |= {"GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture(scope="session", autouse=True)
def _gates_that_stay_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The gates of every stamp share one cache, and ask an advisory database of our own."""
    with advisory_database() as url:
        os.environ |= {
            "MYPY_CACHE_DIR": str(tmp_path_factory.mktemp("mypy")),
            "AUDIT": f"--service-url {url}",
        }
        yield


@pytest.fixture(scope="session")
def template(_git_of_its_own: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone_checkout(tmp_path_factory.mktemp("template") / "roadworthy")


@pytest.fixture(scope="session")
def stamper(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Stamper:
    return Stamper(template, tmp_path_factory.mktemp("stamps"))
