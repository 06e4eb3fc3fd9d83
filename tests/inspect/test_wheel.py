"""What pip installs from the repository is whole: the guardrails come with it."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_guardrails_are_in_it_and_nothing_left_lying_about(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "roadworthy/guardrails_package/guardrails/__main__.py" in names
    assert any(name.startswith("roadworthy/guardrails_package/guardrails/rules/") for name in names)
    assert "roadworthy/report/page.html.jinja" in names
    assert "roadworthy/inspection/gates.yaml" in names
    assert not any("__pycache__" in name or name.endswith(".jinja.py") for name in names)


def test_it_inspects_from_an_environment_of_its_own(
    wheel: Path, shop: Path, tmp_path: Path
) -> None:
    """Its dependencies are taken from where the tests run; itself from the wheel alone."""
    environment = tmp_path / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (Path(packages) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        [python, "-m", "roadworthy", "inspect", str(shop), "--html", "report.html"],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "rls.disabled" in ran.stdout
    assert (tmp_path / "report.html").stat().st_size > 10_000
    where = subprocess.run(
        [python, "-c", "from roadworthy.inspection.guardrails import home; print(home())"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(environment)
