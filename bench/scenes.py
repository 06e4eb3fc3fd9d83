"""What is compared with what: the servers that take part, and the requests they are asked."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from . import project, service
from .load import Load, Target
from .receiver import Receiver, receiving
from .rivals import standin
from .rounds import Contender, Scene, in_turn
from .servers import Server, serving

SERVICE, BARE, STAND_IN = "stamped service", "bare, unguarded", "popular way (stand-in)"
STAND_IN_CALLER = "popular way, GET /users/me"
CALLER, ROW, PAGE = "the caller", "one row", "page of 20"
FIRST_PAGE, MIDDLE_PAGE = "first page", "middle page"
FEW = 1_000
_STAND_IN_ITEMS = 100
_LIST = "/bookings?limit=20"
_NO_EXTRAS = ("--no-access-log", "--no-server-header", "--no-proxy-headers")
_EXPORT_SECONDS = 15.0

Scenes = Mapping[str, Scene]


class UnfairError(Exception):
    """A contender did less than it is measured for."""


@dataclass(frozen=True)
class Effort:
    """How long and how often each contender is measured."""

    load: Load
    rounds: int
    tell: Callable[[str], None]

    def compare(self, name: str, contenders: Mapping[str, Contender]) -> Scene:
        return in_turn(
            contenders,
            load=self.load,
            warm_up=replace(self.load, seconds=min(self.load.seconds, 3)),
            rounds=self.rounds,
            tell=lambda step: self.tell(f"{name}: {step}"),
        )


@dataclass(frozen=True)
class Outcome:
    speed: Scenes
    pages: Scenes
    postgres: str
    everything_on: str


def play(stamped: Path, work: Path, rows: int, effort: Effort) -> Outcome:
    """Start everything, measure it, stop everything."""
    with ExitStack() as stack:
        postgres = stack.enter_context(project.postgres(stamped))
        stage = _Stage(stack, stamped, work, stack.enter_context(receiving()), postgres.url)
        few = stage.service("few", FEW)
        speed = _speed(stage, few, effort)
        asked = sum(scene[SERVICE].requests for scene in speed.values())
        everything_on = _proof_that_everything_was_on(few, stage.receiver, asked)
        effort.tell(f"making {rows:,} rows")
        many = stage.service("many", rows)
        pages = _pages({f"{FEW:,} rows": few, f"{rows:,} rows": many}, effort)
        with psycopg.connect(postgres.url) as connection:
            version = str(connection.info.parameter_status("server_version"))
    return Outcome(speed, pages, version, everything_on)


@dataclass(frozen=True)
class _Running:
    server: Server
    user: service.LoggedIn
    middle: str

    def contender(self, path: str) -> Contender:
        return Contender(self.server, self.user.target(self.server, path))


@dataclass(frozen=True)
class _Stage:
    stack: ExitStack
    stamped: Path
    work: Path
    receiver: Receiver
    database_url: str

    def database(self, name: str) -> str:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(_identifier(name)))
        return f"{self.database_url.rpartition('/')[0]}/{name}"

    def service(self, name: str, rows: int) -> _Running:
        database_url = self.database(name)
        settings = service.production(database_url, self.receiver.url)
        project.run(self.stamped, "migrate", environment=settings)
        user = service.log_in(database_url)
        server = self._start(f"service-{name}", [project.PACKAGE, "serve"], settings)
        # The cursor behind the first of two bookings; what follows lies half before, half behind.
        page = service.ask(user.target(server, "/bookings?limit=1"))
        service.book(database_url, user, rows)
        return _Running(server, user, f"{_LIST}&cursor={page['next_cursor']}")

    def rival(self, module: str, settings: dict[str, str], *options: str) -> Server:
        command = ["uvicorn", f"bench.rivals.{module}:create_app", "--factory", *options]
        return self._start(module, command, settings)

    def _start(self, name: str, command: Sequence[str], settings: dict[str, str]) -> Server:
        environment = project.source(self.stamped) | settings
        return self.stack.enter_context(
            serving(command, environment, directory=self.stamped, log=self.work / f"{name}.log")
        )


def _identifier(name: str) -> psycopg.sql.Identifier:
    return psycopg.sql.Identifier(name)


def _speed(stage: _Stage, guarded: _Running, effort: Effort) -> Scenes:
    settings = service.production(f"{stage.database_url.rpartition('/')[0]}/few", "")
    bare = replace(guarded, server=stage.rival("bare", settings, *_NO_EXTRAS))
    booking = f"/bookings/{guarded.user.booking_id}"
    for path in (booking, _LIST):
        _prove_same_answer(guarded.contender(path).target, bare.contender(path).target)

    standin_url = stage.database("standin")
    token, item = standin.seed(standin_url, _STAND_IN_ITEMS)
    template = stage.rival("standin", {"DATABASE_URL": standin_url})

    def compare(name: str, path: str, template_paths: Mapping[str, str]) -> Scene:
        headers = {"Authorization": f"Bearer {token}"}
        rivals = {
            rival: Contender(template, Target(f"{template.url}/api/v1{template_path}", headers))
            for rival, template_path in template_paths.items()
        }
        ours = {SERVICE: guarded.contender(path), BARE: bare.contender(path)}
        return effort.compare(name, ours | rivals)

    return {
        CALLER: compare(CALLER, "/auth/me", {STAND_IN: "/users/me"}),
        ROW: compare(ROW, booking, {STAND_IN: f"/items/{item}", STAND_IN_CALLER: "/users/me"}),
        PAGE: compare(PAGE, _LIST, {STAND_IN: "/items/?limit=20"}),
    }


def _pages(tables: Mapping[str, _Running], effort: Effort) -> Scenes:
    """A page at the beginning of a list, and one in its middle."""
    first = {rows: running.contender(_LIST) for rows, running in tables.items()}
    middle = {rows: running.contender(running.middle) for rows, running in tables.items()}
    return {
        FIRST_PAGE: effort.compare(FIRST_PAGE, first),
        MIDDLE_PAGE: effort.compare(MIDDLE_PAGE, middle),
    }


def _prove_same_answer(one: Target, other: Target) -> None:
    mine, theirs = (dict(service.ask(target)) for target in (one, other))
    for body in (mine, theirs):
        body.pop("next_cursor", None)
    if mine != theirs:
        raise UnfairError(f"{one.url} and {other.url} answer differently: {mine} and {theirs}")


def _proof_that_everything_was_on(running: _Running, receiver: Receiver, asked: int) -> str:
    """Every request has its line in the log, and a tenth of them has arrived as a trace."""
    deadline = time.monotonic() + _EXPORT_SECONDS
    while (traced := receiver.requests_traced()) < asked // 20 and time.monotonic() < deadline:
        time.sleep(1)
    logged = running.server.lines_about_requests()
    if logged < asked or traced < asked // 20:
        raise UnfairError(f"Of {asked:,} requests {logged:,} were logged and {traced:,} traced.")
    return f"{logged:,} log lines and {traced:,} traces of {asked:,} requests (and the warm-up)"
