"""What stands in for Supabase in a scratch server: roles, schemas, extensions."""

import re
import shutil
from pathlib import Path

HERE = Path(__file__).parent
_MARK = re.compile(r"^-- extension: (\S+)\n", re.MULTILINE)
# Untrusted only because they can burden a server: nothing in them reaches out of it.
HARMLESS = (
    "amcheck",
    "autoinc",
    "bloom",
    "dict_xsyn",
    "earthdistance",
    "insert_username",
    "intagg",
    "moddatetime",
    "pg_stat_statements",
    "pgrowlocks",
    "pgstattuple",
    "refint",
    "vector",
)


def supabase_sql() -> str:
    return (HERE / "supabase.sql").read_text(encoding="utf-8")


def write_extensions(folder: Path, installed: Path) -> None:
    """Lay out `extension/*.control` for `extension_control_path`; `installed` is the server's
    own folder of control files."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = _MARK.split((HERE / "extensions.sql").read_text(encoding="utf-8"))
    for name, body in zip(pieces[1::2], pieces[2::2], strict=True):
        movable = "@extschema@" not in body and "create schema" not in body
        _control(folder, name, f"relocatable = {str(movable).lower()}\n")
        (folder / f"{name}--1.0.sql").write_text(body, encoding="utf-8")
    for name in HARMLESS:
        _trust(folder, installed, name)


def _control(folder: Path, name: str, more: str) -> None:
    text = f"default_version = '1.0'\ntrusted = true\n{more}"
    (folder / f"{name}.control").write_text(text, encoding="utf-8")


def _trust(folder: Path, installed: Path, name: str) -> None:
    control = installed / f"{name}.control"
    if not control.exists():
        return
    text = control.read_text(encoding="utf-8")
    (folder / control.name).write_text(f"{text}\ntrusted = true\n", encoding="utf-8")
    for script in installed.glob(f"{name}--*.sql"):
        shutil.copyfile(script, folder / script.name)
