"""The baseline of a schema, put into the clone in which an adoption is made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import schema_baseline
from .model import Prototype, State

_DATABASES = frozenset({"postgresql", "sqlite"})


def fit_schema(clone: Path, answers: Mapping[str, Any], *, consent: bool) -> str:
    """Write the baseline, where one is missing and can be made; gives what the plan says of it.

    A prototype on Supabase has its migrations, and one without a database needs none: "".
    """
    if answers["database"] not in _DATABASES:
        return ""
    home = str(answers["home"])
    at = "" if home == "." else f"{home}/"
    prototype = Prototype(
        clone,
        str(answers["app"]),
        consent=consent,
        database=str(answers["database"]),
        manager=str(answers["manager"]),
        entry=str(answers["entry"]),
        home=home,
        ours=(str(answers["service_dir"]), f"{at}ops", f"{at}guardrails"),
    )
    if (clone / prototype.place).exists():
        return "There is a baseline already."
    found = schema_baseline(prototype)
    if found.state is not State.DONE:
        return f"NOT DONE: {found.why}" if found.state is State.NOT_DONE else f"{found.why}."
    for path, text in found.files.items():
        file = clone / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return f"{found.why}. {found.proof}"
