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
_TRIES = 3
"""On a busy machine a page may not be whole when its time is over."""
_BEFORE, _TOLD = 40, 240
_NOBODY = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


def in_browser(place: Workplace, direct: str, through: str) -> Step:
    """Compare what the page becomes; where it comes out differently by itself, its title alone."""
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        return Step(_NAME, "chromium", State.NOT_CHECKED, said="there is no Chromium")
    since = time.monotonic()
    first, second = (_shown(place, program, direct) for _ in range(2))
    if not first.strip():
        seconds = time.monotonic() - since
        return Step(_NAME, program, State.NOT_CHECKED, seconds, "the prototype shows nothing")
    part = str if first == second else _title
    wanted, shown = part(first), ""
    for _ in range(_TRIES):
        shown = part(_shown(place, program, through))
        if shown == wanted:
            break
    same = shown == wanted
    said = f"{len(first)} characters of page" if same else _difference(wanted, shown)
    state = State.PASSED if same else State.FAILED
    seconds = time.monotonic() - since
    return Step(_NAME, f"{Path(program).name} --dump-dom", state, seconds, said)


def _difference(wanted: str, shown: str) -> str:
    """What was shown from where it is another, and what should have been."""
    pairs = enumerate(zip(wanted, shown, strict=False))
    differs = next((at for at, (one, other) in pairs if one != other), min(len(wanted), len(shown)))
    begin = max(0, differs - _BEFORE)
    there, instead = (page[begin : begin + _TOLD] or "nothing" for page in (shown, wanted))
    return f"it shows {there} instead of {instead}"


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
    text = page.read_text(encoding="utf-8", errors="replace") if page.exists() else ""
    return re.sub(r"127\.0\.0\.1:\d+", "HOST", text)


def _title(page: str) -> str:
    found = re.search(r"<title[^>]*>(.*?)</title>", page, re.DOTALL | re.IGNORECASE)
    return found[1].strip() if found else ""
