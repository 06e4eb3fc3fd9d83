"""What this repository says in two places is said the same way."""

import re
import tomllib
from pathlib import Path

from stamping import NEWEST, ROOT, Project, Stamper

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OTHERWISE = {"backup_store": "s3", "ci": "gitlab", "deploy": "kubernetes", "example": False}
LOCK = (ROOT / "requirements.lock").read_text()


ADOPTED = ({"kind": "flask"}, {"kind": "nextjs", "backup_store": "s3", "deploy": "kubernetes"})


def needs_of(project: Project) -> set[str]:
    return set().union(*map(_needs_of, project.path.glob("**/pyproject.toml")))


def _needs_of(file: Path) -> set[str]:
    pyproject = tomllib.loads(file.read_text())
    return {
        *pyproject["project"]["dependencies"],
        *pyproject.get("dependency-groups", {}).get("dev", ()),
        *pyproject.get("build-system", {}).get("requires", ()),
    }


def test_the_environment_holds_what_a_stamped_project_needs(stamper: Stamper) -> None:
    stamps = [stamper.stamp(), stamper.stamp(NEWEST, **OTHERWISE)]
    stamps += [stamper.stamp(mode="adopt", **answers) for answers in ADOPTED]
    needed = set().union(*map(needs_of, stamps))
    assert set(PYPROJECT["dependency-groups"]["stamped"]) == needed


def test_the_lock_has_everything_with_hashes_and_names_no_host() -> None:
    groups = PYPROJECT["dependency-groups"].values()
    wanted = [*PYPROJECT["project"]["dependencies"], *(need for group in groups for need in group)]
    locked = re.findall(r"^([\w-]+)(?:\[.*\])?==\S+.*?\\\n    --hash", LOCK, re.MULTILINE)
    assert {re.split(r"[\[<>=]", need)[0].replace("_", "-") for need in wanted} <= set(locked)
    assert "://" not in LOCK
    assert len(locked) == len(re.findall(r"^[\w-]+(?:\[.*\])?==", LOCK, re.MULTILINE))


def test_the_version_has_an_entry_in_the_changelog() -> None:
    version = PYPROJECT["project"]["version"]
    assert f"\n## {version}\n" in (ROOT / "CHANGELOG.md").read_text()
