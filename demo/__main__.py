"""Stamp a service, install it, and hand over to a process that has a PostgreSQL for it."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import copier
from copier.errors import DirtyLocalWarning
from rich.console import Console

from roadworthy.refusal import Refusal
from roadworthy.stamp import run_hook

ROOT = Path(__file__).parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="use it, prove it, and stop")
    parser.add_argument("--svg", type=Path, help="keep a picture of what was shown")
    options = parser.parse_args()
    console = Console(highlight=False)
    if shutil.which("git") is None:
        console.print("[red]✗[/] git is not on the PATH, and the demo stamps with it: install git.")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-demo-"))
    try:
        project = folder / "acme-bookings"
        took = _stamp(project)
        console.print(f"[green]✓[/] Stamped a service with the default answers in {took:.1f} s")
        took = _install(project)
        console.print(f"[green]✓[/] Installed it as `make setup` does in {took:.1f} s")
        return _serve(project, options)
    except subprocess.CalledProcessError as error:
        console.print(
            f"[red]✗[/] {' '.join(error.cmd)} failed:", error.stdout or "", soft_wrap=True
        )
        return 1
    except Refusal as refusal:
        console.print(f"[red]✗[/] {refusal}", soft_wrap=True)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stamp(project: Path) -> float:
    began = time.monotonic()
    warnings.simplefilter("ignore", DirtyLocalWarning)  # what is being edited is what is shown
    copier.run_copy(str(ROOT), project, vcs_ref="HEAD", defaults=True, quiet=True)
    took = time.monotonic() - began
    run_hook("lock", project)
    run_hook("first_commit", project)
    return took


def _install(project: Path) -> float:
    began = time.monotonic()
    subprocess.run(
        ["make", "setup"],
        cwd=project,
        env=environment(),
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return time.monotonic() - began


def _serve(project: Path, options: argparse.Namespace) -> int:
    """Run the rest below the stamped project's own PostgreSQL driver, which stops it after us."""
    rest = [sys.executable, "-m", "demo.show"] + (["--check"] if options.check else [])
    rest += ["--svg", str(options.svg.absolute())] if options.svg else []
    postgres = [str(project / ".venv/bin/python"), "-m", "guardrails.postgres", "run", "--", *rest]
    server = subprocess.Popen(
        postgres, cwd=project, env=environment() | {"PYTHONPATH": f"{project}:{ROOT}"}
    )
    while True:
        try:
            return server.wait()
        except KeyboardInterrupt:
            continue  # the terminal told every process; the last one says good-bye


def environment() -> dict[str, str]:
    """Nothing of the caller's settings reaches the service: it is shown as stamped."""
    kept = ("HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "XDG_CACHE_HOME", "SSL_CERT_FILE")
    told = {name: value for name, value in os.environ.items() if name in kept or "_INDEX" in name}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return (
        told
        | {name: v for name, v in os.environ.items() if name.startswith("UV_")}
        | {"PATH": path}
    )


if __name__ == "__main__":
    sys.exit(main())
