"""The front page in a real browser, which a header too many would leave empty."""

import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from . import landlock
from .model import State, Step
from .workplace import Terms, Workplace

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_NAME = "facade: in a browser"
_SECONDS = 60
_NOBODY = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


def in_browser(place: Workplace, direct: str, through: str) -> Step:
    """Compare what the page becomes; where it comes out differently by itself, its title alone."""
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        return Step(_NAME, "chromium", State.NOT_CHECKED, said="there is no Chromium")
    since = time.monotonic()
    shown = [_shown(place, program, origin) for origin in (direct, direct, through)]
    first, second, passed = (re.sub(r"127\.0\.0\.1:\d+", "HOST", it) for it in shown)
    seconds = time.monotonic() - since
    if not first.strip():
        return Step(_NAME, program, State.NOT_CHECKED, seconds, "the prototype shows nothing")
    same = first == passed if first == second else _title(first) == _title(passed)
    state = State.PASSED if same else State.FAILED
    said = (
        f"{len(first)} characters of page" if same else f"{passed[:500]} instead of {first[:500]}"
    )
    return Step(_NAME, f"{Path(program).name} --dump-dom", state, seconds, said)


def _shown(place: Workplace, program: str, origin: str) -> str:
    profile = tempfile.mkdtemp(dir=place.scratch / "tmp")
    page = Path(profile) / "page.html"
    switches = ["--headless=new", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
    # Chromium's own sandbox needs a user who is not root, and can't be made within Landlock's.
    switches += ["--no-sandbox"] if os.geteuid() == 0 or landlock.version() else []
    switches += [f"--user-data-dir={profile}", "--virtual-time-budget=4000", "--dump-dom"]
    switches += ["--disable-background-networking", f"--host-resolver-rules={_NOBODY}"]
    command = [
        "sh",
        "-c",
        'exec "$@" >"$0" 2>/dev/null',
        str(page),
        program,
        *switches,
        f"{origin}/",
    ]
    # A page's scripts are the prototype's code as well, and would call its live database.
    terms = Terms(_SECONDS, serves=True, ports=(urlsplit(origin).port or 80,))
    place.run(command, place.scratch, terms)
    return page.read_text(encoding="utf-8", errors="replace") if page.exists() else ""


def _title(page: str) -> str:
    found = re.search(r"<title[^>]*>(.*?)</title>", page, re.DOTALL | re.IGNORECASE)
    return found[1].strip() if found else ""
