"""The prototype, asked directly and through the service that stands in front of it."""

import re
import shlex
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from .asking import Progress
from .browser import in_browser
from .database import RUN, Database, database_for, schemes_wanted
from .env_files import variables_of_example
from .fetching import Answer, fetch
from .fitted import NOT_WANTED, ours
from .model import State, Step
from .serving import Start, start_of
from .workplace import Running, Terms, Workplace, search_path

_SECONDS = 300
_MOST_ASSETS = 8


@dataclass(frozen=True)
class Smoke:
    """`app` is the folder of the prototype's in a copy in which it was installed and built."""

    place: Workplace
    copy: Path
    answers: Mapping[str, Any]
    venv: Path
    routes: tuple[str, ...]
    progress: Progress

    def steps(self, *, wanted: bool, missing: str = "") -> Iterator[Step]:
        """Compare what can be; `missing` is why the prototype can't be started."""
        service = self.copy / str(self.answers.get("service_dir", "service"))
        if not (service / "pyproject.toml").is_file():
            return
        if missing := self._missing(wanted=wanted) or missing:
            yield Step("facade", "", State.NOT_CHECKED, said=missing)
            return
        prototype, front = free_port(), free_port()
        start = start_of(self._app, self.answers, self.venv, prototype)
        if start is None:
            said = "nothing was found that starts the prototype"
            yield Step("facade", "", State.NOT_CHECKED, said=said)
            return
        self.progress("facade")
        said = ""
        with self._database(service) as database:
            for example in self._environments():
                terms = _terms(start, database, example)
                with self.place.start(start.argv, self._app, terms) as serving:
                    if wait_for(prototype, serving):
                        yield from self._faced(service, prototype, front)
                        return
                    said = said or f"the prototype does not start: {serving.said}"
        yield Step("facade", shlex.join(start.argv), State.NOT_CHECKED, said=said)

    def _environments(self) -> Iterator[Mapping[str, str]]:
        """As it is; and for a server that then does not start, as its own example says."""
        yield {}
        if example := variables_of_example(self.copy, self._app):
            yield example

    def _faced(self, service: Path, prototype: int, front: int) -> Iterator[Step]:
        variables = self._variables(service) | {"PROTOTYPE_URL": _origin(prototype)}
        terms = Terms(_SECONDS, trusted=True, variables=variables)
        with self.place.start(self._service_command(front), service, terms) as facing:
            if wait_for(front, facing):
                yield from self._compare(prototype, front)
                return
            said = f"the service does not start: {facing.said}"
            yield Step("facade", "make dev", State.FAILED, said=said)

    @property
    def _app(self) -> Path:
        return self.copy / str(self.answers.get("app", "."))

    def _missing(self, *, wanted: bool) -> str:
        if not wanted:
            return NOT_WANTED
        if self.answers.get("adapter", "http") != "http":
            return "it runs inside of the service, where nothing holds it to its copy"
        return "" if shutil.which("uv", path=search_path()) else "uv is not on this machine"

    def _database(self, service: Path) -> AbstractContextManager[Database | None]:
        fitted = [self.copy / str(self.answers.get(name, ".")) for name in ("service_dir", "home")]
        wanted = schemes_wanted(self.copy, self._app, fitted)
        return database_for(wanted, self.place, service, self._variables(service))

    def _service_command(self, port: int) -> list[str]:
        own = shlex.join([*RUN, str(self.answers["package"])])
        served = f"{own} migrate && exec {own} serve --host 127.0.0.1 --port {port}"
        return [*RUN, "guardrails.postgres", "run", "--", "sh", "-c", served]

    def _variables(self, service: Path) -> dict[str, str]:
        found = ours(service)
        home = str(self.copy / str(self.answers.get("home", ".")))
        return found | {"PYTHONPATH": f"{found['PYTHONPATH']}:{home}"}

    def _compare(self, prototype: int, front: int) -> Iterator[Step]:
        direct, through = _origin(prototype), _origin(front)
        page = fetch(f"{direct}/")
        yield _same("facade: front page", "/", direct, through)
        assets = list(_assets(page, direct))[:_MOST_ASSETS]
        if assets:
            yield _all("facade: assets", [_same("", it, direct, through) for it in assets])
        yield in_browser(self.place, direct, through)
        # Last, because a prototype may well end at what is asked of it without its database.
        if self.routes:
            yield _all("facade: routes", [_same("", it, direct, through) for it in self.routes])


def _terms(start: Start, database: Database | None, example: Mapping[str, str]) -> Terms:
    found = database.variables if database else {}
    variables = {**example, **start.variables, **found}
    ports = (database.port,) if database else ()
    return Terms(_SECONDS, serves=True, variables=variables, ports=ports)


def _origin(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _same(name: str, path: str, direct: str, through: str) -> Step:
    """Status, kind and body are the prototype's; a body that never is the same is not compared."""
    since = time.monotonic()
    first, second, passed = fetch(direct + path), fetch(direct + path), fetch(through + path)
    faults = []
    if first.status == 0:
        said = f"{path}: the prototype gives no answer: {first.kind}"
        return Step(name, f"GET {path}", State.NOT_CHECKED, said=said)
    if first.status != passed.status:
        faults.append(f"{path}: {passed.status} instead of {first.status}")
    elif first.kind != passed.kind:
        faults.append(f"{path}: {passed.kind} instead of {first.kind}")
    elif first.body == second.body != passed.body:
        faults.append(f"{path}: {len(passed.body)} other bytes instead of {len(first.body)}")
    state = State.FAILED if faults else State.PASSED
    said = "; ".join(faults) or f"{path}: {first.status}, {len(first.body)} bytes"
    return Step(name, f"GET {path}", state, time.monotonic() - since, said)


def _all(name: str, steps: list[Step]) -> Step:
    states = {step.state for step in steps}
    state = next(it for it in (State.FAILED, State.PASSED, State.NOT_CHECKED) if it in states)
    shown = [step for step in steps if step.state is state]
    seconds = sum(step.seconds for step in steps)
    command = ", ".join(step.command for step in shown)
    return Step(name, command, state, seconds, "; ".join(step.said for step in shown))


def _assets(page: Answer, direct: str) -> Iterator[str]:
    """What the page loads from where it came from."""
    text = page.body.decode("utf-8", errors="replace")
    found = re.findall(r"<(?:script|link|img)\b[^>]*?\b(?:src|href)=[\"']([^\"'#]+)", text)
    for name in dict.fromkeys(found):
        address = urlsplit(urljoin(f"{direct}/", name))
        if address.netloc == urlsplit(direct).netloc and address.path not in {"", "/"}:
            yield address.path + (f"?{address.query}" if address.query else "")


def wait_for(port: int, process: Running, seconds: float = 90) -> bool:
    """Until somebody listens there, or the process that was to is over."""
    return process.until(lambda: _listens(port), seconds)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
