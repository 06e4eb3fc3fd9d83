"""The picture of a report in README.md: the small shop of the tests, inspected and photographed.

`make pictures` runs it. Needs a Chromium (Debian: apt install chromium).
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
SHOP = ROOT / "tests" / "prototypes" / "corner-shop"
PICTURE = ROOT / "docs" / "pictures" / "inspection.png"
WIDTH = 1200
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("There is no Chromium on this machine; on Debian: apt install chromium")
        return 2
    with tempfile.TemporaryDirectory(prefix="roadworthy-") as folder:
        report = Path(folder) / "report.html"
        _inspect(Path(folder) / SHOP.name, report)
        _photograph(browser, report)
    print(f"Written to {PICTURE.relative_to(ROOT)}")
    return 0


def _inspect(copy: Path, report: Path) -> None:
    """A copy, committed, so that the history is looked at as it would be in a prototype."""
    shutil.copytree(SHOP, copy)
    author = ("-c", "user.name=Shop", "-c", "user.email=shop@example.com")
    for command in (("init",), ("add", "--all"), (*author, "commit", "-m", "Changes")):
        subprocess.run(["git", "-C", str(copy), *command], check=True, capture_output=True)
    subprocess.run(
        [sys.executable, "-m", "roadworthy", "inspect", str(copy), "--html", str(report)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _photograph(browser: str, report: Path) -> None:
    """From the name down to the matrix: the report's first screen."""
    with sync_playwright() as playwright:
        # Its own sandbox can't be made by root in a container; the page is ours.
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
        page.goto(report.as_uri())
        end = page.locator("#reach .scroll").bounding_box()
        height = end["y"] + end["height"] + 12 if end else 900
        page.screenshot(
            path=PICTURE,
            full_page=True,
            clip={"x": 0, "y": 0, "width": WIDTH, "height": height},
        )
        chromium.close()


if __name__ == "__main__":
    sys.exit(main())
