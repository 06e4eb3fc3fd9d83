"""What a tree shows answers most of adopt's questions."""

import pytest
from prototype_trees import TREES

from roadworthy.inspection.guardrails import recognise
from roadworthy.planning import candidates
from roadworthy.planning.names import code_owner, is_on_gitlab, project_name
from roadworthy.planning.places import home_folder, service_folder
from roadworthy.refusal import Refusal
from roadworthy.stack import App, Fact, Stack


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("allotment", [(".", "nextjs", "npm", "supabase", "")]),
        ("bike-repair", [(".", "flask", "pip", "sqlite", "app:app")]),
        ("corner-shop", [(".", "supabase", "npm", "supabase", "")]),
        ("tide-table", [(".", "streamlit", "pip", "none", "")]),
        ("tutoring", [(".", "fastapi", "pip", "postgresql", "app.main:app")]),
        ("van-hire", [(".", "node", "npm", "postgresql", "")]),
    ],
)
def test_each_kind_is_recognised(name: str, found: list[tuple[str, ...]]) -> None:
    stack = Stack.of(recognise(TREES / name))
    assert [
        (it.app, it.kind, it.manager, it.database, it.entry) for it in candidates(stack)
    ] == found


def test_what_serves_comes_before_what_is_served() -> None:
    found = candidates(Stack.of(recognise(TREES / "choir")))
    assert [(it.app, it.only_pages) for it in found] == [("backend", False), ("frontend", True)]


@pytest.mark.parametrize(
    ("auth", "database", "callers"),
    [
        (["Clerk"], ["PostgreSQL"], ["oidc"]),
        (["own JWT", "Auth0"], [], ["oidc"]),
        (["Clerk"], ["Supabase"], ["supabase", "oidc"]),
        ([], ["Firebase"], ["oidc"]),
        (["own JWT"], ["Firebase"], None),
        (["NextAuth"], ["PostgreSQL"], None),
        ([], [], None),
    ],
)
def test_a_provider_of_log_ins_is_who_says_who_calls(
    auth: list[str], database: list[str], callers: list[str] | None
) -> None:
    app = App("", ("package.json",), ("Express",), "")
    topics = {"auth": auth, "database": database}
    stack = Stack(
        (app,),
        (),
        {
            topic: tuple(Fact(name, "package.json") for name in names)
            for topic, names in topics.items()
        },
    )
    assert candidates(stack)[0].answers().get("callers") == callers


@pytest.mark.parametrize(
    ("shown", "database"),
    [
        (["Prisma", "PostgreSQL"], "postgresql"),
        (["Prisma", "SQLite"], "sqlite"),
        (["Drizzle"], "postgresql"),
        (["Prisma", "MySQL"], "none"),
        (["MongoDB"], "none"),
        (["MongoDB", "SQLite"], "sqlite"),
    ],
)
def test_a_database_is_the_one_that_a_mapper_speaks_to(shown: list[str], database: str) -> None:
    app = App("", ("package.json",), ("Express",), "")
    stack = Stack((app,), (), {"database": tuple(Fact(name, "package.json") for name in shown)})
    assert candidates(stack)[0].database == database


@pytest.mark.parametrize(
    ("file", "detail", "entry"),
    [
        ("app/__init__.py", "create_app()", "app:create_app()"),
        ("src/shop/main.py", "app", "shop.main:app"),
        ("server.py", "", "server:app"),
    ],
)
def test_a_server_is_named_as_it_is_imported(file: str, detail: str, entry: str) -> None:
    app = App("", ("requirements.txt",), ("Flask",), "")
    served = Fact("a Flask server", file, detail=detail)
    assert candidates(Stack((app,), (), {"exposed": (served,)}))[0].entry == entry


def test_an_app_that_nobody_calls_is_no_candidate() -> None:
    library = App("tools", ("tools/package.json",), (), "")
    assert candidates(Stack((library,), (), {"database": (Fact("Redis", "x"),)})) == []


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("corner-shop", "Corner Shop"),
        ("myAppV2", "My App V2"),
        ("42", "Prototype 42"),
        ("日本", "Prototype"),
        ("x" * 80, "X" + "x" * 49),
    ],
)
def test_a_folder_gives_a_name(folder: str, name: str) -> None:
    assert project_name(folder) == name


@pytest.mark.parametrize(
    ("remote", "owner", "on_gitlab"),
    [
        ("https://github.com/acme/shop.git", "@acme", False),
        ("git@gitlab.example.com:acme/web/shop.git", "@acme/web", True),
        ("", None, False),
        ("/srv/git/shop.git", None, False),
    ],
)
def test_a_remote_gives_the_owner(remote: str, owner: str | None, on_gitlab: bool) -> None:  # noqa: FBT001
    assert code_owner(remote) == owner
    assert is_on_gitlab(remote) is on_gitlab


def test_a_taken_folder_gets_another() -> None:
    assert home_folder({"ops"}.__contains__) == "guarded"
    assert home_folder({"guardrails", "guarded"}.__contains__) == "guarded-by"
    assert service_folder(set[str]().__contains__) == "service"
    with pytest.raises(Refusal, match="service_dir=NAME"):
        service_folder(lambda _: True)
