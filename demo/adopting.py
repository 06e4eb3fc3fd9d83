"""`make demo-adopt`: a small prototype is inspected, adopted, and served through the facade."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import UNAUTHORIZED
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from roadworthy.verifying.fetching import fetch
from roadworthy.verifying.smoke import free_port

from .__main__ import environment
from .service import Failure, Service

ROOT = Path(__file__).parent.parent
SHOP = ROOT / "tests" / "prototypes" / "corner-shop"
REPORT = Path(tempfile.gettempdir()) / "roadworthy-corner-shop.html"
OWN = "/auth/me"
ASKING = "/supabase/rest/v1/orders"
"""A route of the prototype's that the gate would not let a stranger have."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo-adopt", description=__doc__)
    parser.add_argument("--check", action="store_true", help="ask it, prove it, and stop")
    options = parser.parse_args()
    console = Console(highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-demo-"))
    try:
        shop = _lay_out(folder / "corner-shop")
        _done(console, "Laid out a small prototype (Vite, React, Supabase), in git")
        _roadworthy("inspect", str(shop), "--html", str(REPORT))
        _done(console, f"Inspected it: {REPORT}")
        _roadworthy("adopt", str(shop), "--yes", "--no-verify", "--template", str(ROOT))
        _done(console, "Adopted it")
        _run(["make", "-C", "service", "setup"], shop)
        _done(console, "Installed the service as `make -C service setup` does")
        pages = _pages(shop, console)
        return _serve(console, shop, pages, check=options.check)
    except Failure as failure:
        console.print(f"[red]✗[/] {failure}", soft_wrap=True)
        return 1
    except subprocess.CalledProcessError as error:
        console.print(f"[red]✗[/] {' '.join(error.cmd)} failed:\n{error.stdout or ''}")
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped: the service, its PostgreSQL and the folder are gone.")
        return 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(shop: Path) -> Path:
    shutil.copytree(SHOP, shop)
    author = ("-c", "user.name=Shop", "-c", "user.email=shop@example.com")
    for step in (("init", "--quiet"), ("add", "--all"), (*author, "commit", "-qm", "Changes")):
        _run(["git", *step], shop)
    return shop


def _pages(shop: Path, console: Console) -> Path:
    """The pages as a browser gets them: built where there is npm, else as they lie there."""
    if shutil.which("npm") is None:
        console.print("[yellow]·[/] There is no npm here, so the pages are served unbuilt")
        return shop
    _run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], shop)
    _run(["npx", "--no-install", "vite", "build"], shop)
    _done(console, "Built its pages with Vite")
    return shop / "dist"


def _serve(console: Console, shop: Path, pages: Path, *, check: bool) -> int:
    with _prototype(pages) as upstream, _service(shop, upstream, captured=check) as service:
        _done(console, f"Serving the prototype at {upstream} through the service at {service.url}")
        if check:
            _check(console, service, upstream)
            return 0
        title = "corner-shop, behind its service"
        console.print(Panel(f"[bold]{service.url}[/]", title=title, expand=False))
        console.print(f"What the gate would refuse: curl -i {service.url}{ASKING}\n")
        console.print("Ctrl-C stops everything.\n")
        service.wait()
        raise Failure("the service stopped by itself")


def _check(console: Console, service: Service, upstream: str) -> None:
    if fetch(f"{upstream}/") != fetch(f"{service.url}/"):
        raise Failure("the front page through the service is not the prototype's")
    _done(console, "The front page is the same, through the service and without it")
    if (answer := fetch(f"{service.url}{OWN}")).status != UNAUTHORIZED:
        raise Failure(f"{OWN} answered {answer.status}, and not that one has to log in")
    _done(console, f"{OWN} is answered by the service itself, not by the prototype")
    fetch(f"{service.url}{ASKING}")
    console.print("[bold]What the gate would have refused, were it enforcing[/]")
    console.print_json(service.said(r"\{.*gate_would_refuse.*\}")[0])
    console.print("[bold]The front page's log line[/]")
    console.print_json(service.said(r'\{.*"path":"/",.*"trace_id":"\w{32}".*\}')[0])
    _done(console, "Stopped, all of it")


@contextmanager
def _prototype(pages: Path) -> Iterator[str]:
    port = free_port()
    program = "from roadworthy.verifying.pages import main; main()"
    process = subprocess.Popen([sys.executable, "-c", program, str(pages), str(port)])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _service(shop: Path, upstream: str, *, captured: bool) -> Iterator[Service]:
    """The adopted service on its embedded PostgreSQL, which is stopped after it."""
    port = free_port()
    url = f"http://localhost:{port}"
    own = f"corner-shop migrate && exec corner-shop serve --port {port}"
    command = ["uv", "run", "--no-sync", "python", "-m", "guardrails.postgres", "run", "--"]
    process = subprocess.Popen(
        [*command, "sh", "-c", own],
        cwd=shop / "service",
        env=environment()
        | {"PYTHONPATH": str(shop), "PUBLIC_URL": url, "PROTOTYPE_URL": upstream}
        | {"LOG_FORMAT": "json", "TRACE_SAMPLE_RATIO": "1"},
        stdout=subprocess.PIPE if captured else None,
        stderr=subprocess.STDOUT if captured else None,
        text=True,
    )
    service = Service(process, url)
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.stop()


def _roadworthy(*arguments: str) -> None:
    """As typed, with all that it says."""
    subprocess.run([sys.executable, "-m", "roadworthy", *arguments], check=True, env=os.environ)


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _done(console: Console, what: str) -> None:
    console.print(f"[green]✓[/] {what}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
