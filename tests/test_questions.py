"""The questions: few, and each refusal of an answer says how to mend it."""

import re
import shutil
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml
from answers import of_a_prototype
from stamping import ROOT, Project, Stamper

QUESTIONS: dict[str, dict[str, Any]] = {
    name: question
    for name, question in yaml.safe_load((ROOT / "copier.yml").read_text()).items()
    if not name.startswith("_")
}
SETTINGS: dict[str, Any] = {
    name: value
    for name, value in yaml.safe_load((ROOT / "copier.yml").read_text()).items()
    if name.startswith("_")
}
ASKED = {n: q for n, q in QUESTIONS.items() if q.get("when", True)}
OF_A_NEW_SERVICE = {n: q for n, q in ASKED.items() if not of_a_prototype(q)}


@pytest.fixture(scope="session")
def asked(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The questions and the file of the answers: what a hundred refusals need, and no clone."""
    folder = tmp_path_factory.mktemp("asked") / "questions"
    shutil.copytree(template / "questions", folder / "questions")
    (folder / "template").mkdir()
    for name in ("copier.yml", "template/{{ _copier_conf.answers_file }}.jinja"):
        shutil.copy(template / name, folder / name)
    return folder


def refusal(template: Path, folder: Path, **answers: object) -> str:
    with pytest.raises(ValueError, match=next(iter(answers))) as refused:
        copier.run_copy(str(template), folder / "new", data=answers, defaults=True, quiet=True)
    assert not (folder / "new").exists(), "something was written"
    return str(refused.value)


def test_a_dozen_questions_at_most() -> None:
    assert 0 < len(OF_A_NEW_SERVICE) <= 12


@pytest.mark.parametrize("name", ASKED)
def test_every_question_has_help_a_default_and_a_check(name: str) -> None:
    question = ASKED[name]
    assert "default" in question
    assert 0 < len(question["help"]) <= 90
    assert "\n" not in question["help"]
    assert "validator" in question or "choices" in question or question["type"] == "bool"


def test_nothing_runs_and_nothing_needs_trust() -> None:
    assert not {"_tasks", "_migrations", "_jinja_extensions"} & set(SETTINGS)
    assert SETTINGS["_envops"]["undefined"] == "jinja2.StrictUndefined"
    assert not [q for q in QUESTIONS.values() if q.get("secret")]


def test_computed_answers_cannot_be_given(template: Path, tmp_path: Path) -> None:
    refusal(template, tmp_path, service_dir="../elsewhere")
    refusal(template, tmp_path, project_slug="../elsewhere")


@pytest.mark.parametrize(
    ("package", "says"),
    [
        ("", "type a name"),
        ("a", "needs 2 to 30"),
        ("a" * 31, "needs 2 to 30"),
        ("Acme", "such as: acme"),
        ("acme-bookings", "such as: acme_bookings"),
        ("acme bookings", "such as: acme_bookings"),
        ("acme__bookings", "such as: acme_bookings"),
        ("_acme", "small letters"),
        ("acme_", "small letters"),
        ("2acme", "such as: acme"),
        ("café", "small letters"),
        ("../acme", "such as: acme"),
        ("acme/../..", "such as: acme"),
        ("/etc/acme", "such as: etc_acme"),
        ("acme.app", "such as: acme_app"),
        ("acme\n", "such as: acme"),
        ("acme\x00", "such as: acme"),
        ("{{ acme }}", "such as: acme"),
        ("class", "word of the Python language"),
        ("match", "word of the Python language"),
        ("queue", "standard library"),
        ("test", "standard library"),
        ("fastapi", "depends on"),
        ("opentelemetry", "depends on"),
        ("tests", "folder of the stamped project"),
    ],
)
def test_package_names_refused(asked: Path, tmp_path: Path, package: str, says: str) -> None:
    assert says in refusal(asked, tmp_path, package=package)


@pytest.mark.parametrize("question", ["project_name", "description", "copyright_holder"])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is empty"),
        ("   ", "it is empty"),
        (" Acme", "starts or ends with a space"),
        ("Acme" * 40, "shorten it to"),
        ('Acme "Bookings"', 'it contains "'),
        ("Acme\\Bookings", "it contains \\"),
        ("Acme ${HOME}", "it contains $"),
        ("{{ 7 * 7 }}", "it contains {"),
        ("{% raw %}", "it contains {"),
        ("<script>", "it contains <"),
        ("100 %", "it contains %"),
        ("Acme\nBookings", "a line break"),
        ("Acme\tBookings", "an invisible character"),
        ("Acme\u202eBookings", "an invisible character"),
        ("Acme\u2028Bookings", "a line break"),
        ("Acme\x1b[31m", "an invisible character"),
        ("- Acme", "start with a letter"),
        ("../Acme", "start with a letter"),
        ("'Acme'", "start with a letter"),
    ],
)
def test_texts_refused(asked: Path, tmp_path: Path, question: str, text: str, says: str) -> None:
    assert says in refusal(asked, tmp_path, **{question: text})


@pytest.mark.parametrize(
    "owner", ["", "acme", "@", "@acme/", "@acme/../x", "@acme platform", "@ä", "@acme\n* @evil"]
)
def test_owners_refused(asked: Path, tmp_path: Path, owner: str) -> None:
    assert "@acme/platform" in refusal(asked, tmp_path, owner=owner)


@pytest.mark.parametrize("question", [n for n, q in OF_A_NEW_SERVICE.items() if "choices" in q])
def test_only_the_choices_can_be_chosen(template: Path, tmp_path: Path, question: str) -> None:
    assert "is not in" in refusal(template, tmp_path, **{question: "something else"})


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("Acme Bookings", "acme_bookings"),
        ("FastAPI", "fastapi_service"),
        ("Class", "class_service"),
        ("日本", "my_service"),
        ("X", "my_service"),
        ("24 Hours", "hours"),
        ("People's -- Café & Bar", "people_s_caf_bar"),
        ("The Very Long Name of a Service of Ours", "the_very_long_name_of"),
    ],
)
def test_every_name_gives_a_package(asked: Path, tmp_path: Path, name: str, package: str) -> None:
    answers = {"project_name": name}
    copier.run_copy(str(asked), tmp_path / "new", data=answers, defaults=True, quiet=True)
    answers = Project(tmp_path / "new").answers
    assert answers["package"] == package
    assert answers["project_name"] == name


def test_the_answers_file_keeps_the_answers_and_nothing_else(stamper: Stamper) -> None:
    assert set(stamper.stamp().answers) == {"_commit", "_src_path", *OF_A_NEW_SERVICE}


def test_reserved_names_are_complete() -> None:
    reserved = set(re.findall(r"'(\w+)'", (ROOT / "questions/reserved.jinja").read_text()))
    possible = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
    importable = {*sys.stdlib_module_names, *packages_distributions()} - {"roadworthy"}
    assert {n for n in importable if possible.fullmatch(n) and len(n) <= 30} <= reserved


def test_a_copy_says_how_to_bring_it_up(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copier.run_copy(str(template), tmp_path / "a new one", defaults=True)
    said = capsys.readouterr().err
    assert [line.strip() for line in said.splitlines() if line.startswith("  ")][-3:] == [
        f"cd '{tmp_path / 'a new one'}'",
        "make setup",
        "make dev",
    ]


def test_starters_are_the_same_list_twice() -> None:
    in_update = re.search(
        r"'update' %}\n(.*?){% endif %}", "".join(SETTINGS["_exclude"]), re.DOTALL
    )
    assert in_update
    assert in_update[1].split("\n")[:-1] == SETTINGS["_skip_if_exists"]
