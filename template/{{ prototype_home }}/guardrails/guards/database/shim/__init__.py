"""What stands in for Supabase in a scratch server: roles, schemas, extensions."""

import re
from pathlib import Path

HERE = Path(__file__).parent
_MARK = re.compile(r"^-- extension: (\S+)(?: in (\S+))?\n", re.MULTILINE)
# The server's own. Some are untrusted, but only because they can burden a server: nothing in them
# reaches out of it.
HARMLESS = (
    "amcheck autoinc bloom btree_gin btree_gist citext cube dict_int dict_xsyn earthdistance"
    " fuzzystrmatch hstore insert_username intagg intarray isn lo ltree moddatetime pg_trgm"
    " pgrowlocks pgstattuple refint seg tablefunc tcn tsm_system_rows tsm_system_time unaccent"
    " vector"
)
# Supabase lets its role `postgres` move, alter and drop what belongs to an extension.
_HAND_OVER = """
do $own$
declare member record;
begin
    for member in
        select found.type, found.identity
        from pg_catalog.pg_depend d, pg_catalog.pg_identify_object(d.classid, d.objid, 0) found
        where d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.deptype = 'e'
            and d.refobjid = (select oid from pg_catalog.pg_extension where extname = '{name}')
    loop
        begin
            execute pg_catalog.format('alter %s %s owner to @extowner@',
                pg_catalog.replace(member.type, 'composite ', ''), member.identity);
        exception when others then
            null;
        end;
    end loop;
end $own$;
"""


def supabase_sql() -> str:
    return (HERE / "supabase.sql").read_text(encoding="utf-8")


def write_extensions(folder: Path, installed: Path) -> None:
    """Lay out `extension/*.control` for `extension_control_path`; `installed` is the server's
    own folder of control files."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = _MARK.split((HERE / "extensions.sql").read_text(encoding="utf-8"))
    for name, schema, body in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        movable = "@extschema@" not in body and "create schema" not in body and not schema
        control = f"relocatable = {str(movable).lower()}\n"
        _control(folder, name, f"{control}schema = '{schema}'\n" if schema else control)
        _script(folder / f"{name}--1.0.sql", name, body)
    for name in HARMLESS.split():
        _trust(folder, installed, name)


def _control(folder: Path, name: str, more: str) -> None:
    text = f"default_version = '1.0'\ntrusted = true\n{more}"
    (folder / f"{name}.control").write_text(text, encoding="utf-8")


def _script(file: Path, name: str, body: str) -> None:
    file.write_text(body + _HAND_OVER.replace("{name}", name), encoding="utf-8")


def _trust(folder: Path, installed: Path, name: str) -> None:
    control = installed / f"{name}.control"
    if not control.exists():
        return
    text = control.read_text(encoding="utf-8")
    (folder / control.name).write_text(f"{text}\ntrusted = true\n", encoding="utf-8")
    for script in installed.glob(f"{name}--*.sql"):
        _script(folder / script.name, name, script.read_text(encoding="utf-8"))
