"""What Copier does once instead of for each file comes to the same."""

import os
import shutil
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import copier
import pytest
from copier import _main
from jinja2 import Environment
from stamping import commit_all, git

from roadworthy.copying import without_repetition

ANSWERS = "{{ _copier_conf.answers_file }}.jinja"


@pytest.fixture
def template(_git_of_its_own: None, tmp_path: Path) -> Path:
    """Two releases: the script of the first can't be run, that of the second can."""
    folder = tmp_path / "template"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "copier.yml").write_text("_templates_suffix: .jinja\n")
    (folder / ANSWERS).write_text("{{ _copier_answers | to_nice_yaml }}")
    for number in range(20):
        (folder / f"page-{number}.txt").write_text("A page.\n")
    script = folder / "run.sh"
    script.write_text("#!/bin/sh\n")
    for release, mode in (("v1", 0o644), ("v2", 0o755)):
        script.chmod(mode)
        commit_all(folder, release)
        git(folder, "tag", release)
    return folder


def mode_in_index(
    template: Path, to: Path, file_mode: str, asking: AbstractContextManager[None]
) -> str:
    copier.run_copy(str(template), to, vcs_ref="v1", defaults=True, quiet=True)
    git(to, "init", "--quiet")
    commit_all(to, "Stamped")
    git(to, "config", "core.fileMode", file_mode)
    with asking:
        copier.run_update(to, defaults=True, overwrite=True, quiet=True)
    return git(to, "ls-files", "--stage", "run.sh").split()[0]


@pytest.mark.parametrize(("file_mode", "mode"), [("false", "100755"), ("true", "100644")])
def test_modes_come_into_the_index_as_before(
    template: Path, tmp_path: Path, file_mode: str, mode: str
) -> None:
    plainly = mode_in_index(template, tmp_path / "plainly", file_mode, nullcontext())
    once = mode_in_index(template, tmp_path / "once", file_mode, without_repetition())
    assert once == plainly == mode


def test_git_is_asked_once(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, shim = tmp_path / "asked", tmp_path / "bin" / "git"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\necho "$*" >> {asked}\nexec {shutil.which("git")} "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}:{os.environ['PATH']}")
    with without_repetition():
        copier.run_copy(str(template), tmp_path / "new", defaults=True, quiet=True)
    questions = [line for line in asked.read_text().splitlines() if "core.fileMode" in line]
    assert len(questions) == 1


def test_a_text_is_compiled_once(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[object] = []
    compiled = Environment.compile

    def counted(environment: Environment, source: Any, *further: Any, **named: Any) -> Any:
        texts.append(source)
        return compiled(environment, source, *further, **named)

    monkeypatch.setattr(Environment, "compile", counted)
    copier.run_copy(str(template), tmp_path / "plainly", defaults=True, quiet=True)
    assert texts.count(".copier-answers.yml") > 20
    texts.clear()
    with without_repetition():
        copier.run_copy(str(template), tmp_path / "once", defaults=True, quiet=True)
    assert texts.count(".copier-answers.yml") == 1
    plainly, once = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("plainly", "once")
    )
    assert plainly == once
    assert len(once) == 22


def test_copier_is_left_as_it_was() -> None:
    before = vars(_main.Worker)["_sync_git_index_executable_bit"], Environment.from_string
    with without_repetition():
        assert Environment.from_string is not before[1]
    assert before == (
        vars(_main.Worker)["_sync_git_index_executable_bit"],
        Environment.from_string,
    )
