"""One service in production settings, started as its users start it."""

from collections.abc import Iterator

import pytest
from production import MailServer, Production, new_event, without_proxies
from stamping import Stamper


@pytest.fixture(scope="session")
def production(stamper: Stamper, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    without_proxies()
    folder = tmp_path_factory.mktemp("production")
    with MailServer() as mail, Production(stamper.stamp(), folder, mail) as running:
        yield running


@pytest.fixture
def event(production: Production) -> dict[str, object]:
    """An event with ten places."""
    return new_event(production.people(1, "admin")[0], capacity=10)


@pytest.fixture
def breakable(stamper: Stamper, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """A service of this test's own, to break."""
    folder = tmp_path_factory.mktemp("breakable")
    with MailServer() as mail, Production(stamper.stamp(), folder, mail) as running:
        yield running
