"""Trees that mean harm, or that no tool expects, laid out for an inspection."""

import json
import os
import socket
from pathlib import Path

Contents = dict[str, str | bytes]

SCRIPT = 'import { db } from "./db";\nexport const rows = await db.from("notes").select("*");\n'
SERVICE = 'app.get("/api/notes", async (req, res) => res.json(await notes.all()));\n'

CONFIGURATION: Contents = {
    "package.json": '{"name": "notes", "dependencies": {"express": "4.0.0",}, // odd\n}',
    "null/package.json": "null",
    "list/package.json": '["dependencies"]',
    "types/package.json": json.dumps(
        {"dependencies": [1], "devDependencies": {"x": {"y": 1}}, "scripts": 4, "name": {}}
    ),
    "deep/package.json": "[" * 200_000,
    "cut/package.json": '{"dependencies": {"react": "',
    "surrogate/package.json": '{"dependencies": {"\\ud800": "\\udfff"}}',
    "package-lock.json": '{"lockfileVersion": 3, "packages": [1, {"version": []}]}',
    "old/package-lock.json": '{"dependencies": {"a": {"dependencies": "loop"}}}',
    "pnpm-lock.yaml": "packages: [\n  - *missing\n",
    "yarn.lock": "\x00\x01not a lock\n",
    "uv.lock": "[[package]\nname = \n",
    "poetry.lock": "package = 4\n",
    "bun.lock": '{"packages": [[["a"]]]}',
    "requirements.txt": "==\n-r requirements.txt\n[x]\n@\n\xa0\nflask==1" + ".9" * 4000 + "\n",
    "pyproject.toml": "[project\nname = 'x",
    "shape/pyproject.toml": "[project]\ndependencies = {a = 1}\n[tool]\nruff = 3\npoetry = []\n",
    "tsconfig.json": '{"extends": ["./tsconfig.json"], "compilerOptions": {"paths": 3}}',
    "vercel.json": '[{"rewrites": 1}]',
    "firebase.json": "null",
    "wrangler.toml": "= = =",
    "netlify.toml": "[[headers]]\nfor = 3\n",
    "docker-compose.yml": "services:\n  - db\n  - {image: [a]}\n",
    "Dockerfile": "FROM\nRUN " + "\\\n" * 5_000 + "COPY\n",
    ".github/workflows/ci.yml": "on: [push]\njobs:\n  - steps: 3\n",
    ".github/workflows/laughs.yml": "a0: &a0 [x, x]\n"
    + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)),
    ".github/workflows/types.yml": "on: 3\njobs:\n  test: [1]\n  build: {steps: {run: 4}}\n",
    ".github/workflows/python.yml": "a: !!python/object/apply:os.system ['touch /tmp/owned']\n",
    "supabase/config.toml": "[functions]\nnotes = 3\n[auth]\nsite_url = [",
    "shape/supabase/config.toml": "functions = 3\nauth = []\n",
    ".env": "KEY=" + "a" * 300_000 + "\n=\nexport\n'\"\n",
    ".mcp.json": '{"mcpServers": ["x"]}',
    ".claude/settings.json": '{"permissions": "all"}',
    "alembic.ini": "[alembic\nscript_location\n",
    "prisma/schema.prisma": "model {\n" * 500,
    "drizzle/meta/_journal.json": '{"entries": 3}',
    "ruff.toml": "select = 3\nextend = '/etc/passwd'\n",
    "sgconfig.yml": "ruleDirs: [/etc]\n",
    ".gitignore": "\x00*\n[\n",
    "src/integrations/supabase/types.ts": "export type Database = {" + "{ a: {" * 5_000,
}

CODE: Contents = {
    "src/minified.js": "var a=1;" + "!function(e,t){return e.id===t&&e.save(t)}(a,a);" * 18_000,
    "src/line.ts": 'const a = "' + "x" * 900_000 + '";\n',
    "src/open.ts": 'const a = `${"' * 20_000,
    "src/round.ts": "const a = " + "(" * 50_000 + "\n",
    "src/nested.tsx": "export const A = () => " + "<div>" * 20_000 + "</div>" * 20_000 + ";\n",
    "src/sum.ts": "const a = " + " + ".join(["'select * from notes'"] * 20_000) + ";\n",
    "src/spaces.ts": "const password = " + " " * 400_000 + "\n",
    "src/quotes.ts": "const a = " + "'\\'" * 150_000 + "\n",
    "src/ifs.ts": "if (a) {" * 20_000 + "\n",
    "src/elses.ts": "if (a) {}" + " else if (b) {}" * 10_000 + "\n",
    "src/chain.ts": "db" + '.from("notes").select("*")' * 10_000 + ";\n",
    "src/calls.ts": "f(" * 20_000 + ")" * 20_000 + "\n",
    "src/arrows.ts": "const f = " + "() => " * 20_000 + "1;\n",
    "src/loop_a.ts": 'export * from "./loop_b";\nimport "./loop_a";\n' + SCRIPT,
    "src/loop_b.ts": 'export * from "./loop_a";\nimport "../../../../../etc/passwd";\n',
    "src/returns.ts": "a\r" * 50_000,
    "api/round.py": "a = " + "(" * 50_000 + "\n",
    "api/closed.py": "a = " + "(" * 5_000 + ")" * 5_000 + "\n",
    "api/sum.py": "a = " + " + ".join(["'select * from notes'"] * 20_000) + "\n",
    "api/minus.py": "a = " + "-" * 100_000 + "1\n",
    "api/dots.py": "a = b" + ".c" * 50_000 + "\n",
    "api/calls.py": "app" + ".get('/x')" * 20_000 + "\n",
    "api/elses.py": "if a:\n    pass\n" + "elif b:\n    pass\n" * 20_000,
    "api/indents.py": "".join(" " * n + "if a:\n" for n in range(99)) + " " * 99 + "pass\n",
    "api/old.py": "print 'hello'\nexec 'x'\n",
    "api/nul.py": b"import os\n\x00\x00",
    "api/one_nul.py": "import os\n" * 50 + "a = '\0'\n",
    "src/one_nul.ts": "// " + "a" * 300 + "\nexport const clean = /[\0-\x1f]/g;\n" + SCRIPT,
    "supabase/migrations/20250101000000_nul.sql": "-- " + "a" * 300 + "\nselect '\0';\n",
    "drizzle/0000_nul.sql": "-- " + "a" * 300 + '\ncreate table "a\0b" ();\n',
    "api/coding.py": "# -*- coding: no-such-codec -*-\nfrom flask import Flask\n",
    "api/utf16.py": "from flask import Flask\napp = Flask(__name__)\n".encode("utf-16"),
    "api/surrogate.py": "a = '\\ud800'\nb = '\\N{no such name}'\n",
    "api/latin.py": b"# caf\xe9\npassword = 'caf\xe9-\xff\xfe'\n",
    "api/noqa.py": "# ruff: noqa\nimport os\n",
    "api/large.py": "a = 1" + "0" * 100_000 + "\n",
    "api/loop_a.py": "from .loop_b import *\n",
    "api/loop_b.py": "from .loop_a import *\nfrom .... import x\n",
    "api/empty.py": "",
    "public/index.html": "<" * 300_000,
    "src/App.vue": "<script>" * 30_000,
    "query.sql": "select '" + "'" * 300_001,
    "dollar.sql": "$a$" * 100_000 + "/*" * 100_000,
    "notes.md": "# " * 200_000,
}

NAMES: tuple[bytes, ...] = (
    b"line\nbreak.ts",
    b"carriage\rreturn.py",
    b"\"quotes\" and 'quotes'.ts",
    b"-rf.py",
    b"--config=evil.toml.py",
    b"--fix.py",
    b"@arguments.py",
    b"-.ts",
    b"\xff\xfe.ts",
    b"caf\xe9.py",
    b"tab\t.tsx",
    b"\x1b[31mred.ts",
    b"$(touch owned).py",
    b"`touch owned`.ts",
    b"; touch owned;.ts",
    b" .py",
    b"%s%n{0}.py",
    b"a\\b.ts",
    b"[*]?.ts",
    b"x" * 250 + b".ts",
    "\u202egnp.ts".encode(),
)


def lay_out(folder: Path, files: Contents) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def oddly_named(folder: Path) -> None:
    """Code under names that a shell, a command line, a terminal or UTF-8 stumble over."""
    for name in NAMES:
        content = "password = 'x'\n" if name.endswith(b".py") else SCRIPT
        (folder / os.fsdecode(name)).write_text(content)
    inside = folder / os.fsdecode(b"-odd\n\xff")
    inside.mkdir()
    (inside / "index.ts").write_text(SERVICE)
    (inside / "package.json").write_text("{}")


def no_regular_files(folder: Path) -> None:
    """Links in circles and out of the tree, a pipe that nobody writes to, a socket, a hole."""
    (folder / "loop").symlink_to(folder)
    (folder / "self.ts").symlink_to("self.ts")
    (folder / "outside").symlink_to("/etc")
    (folder / "passwd.ts").symlink_to("/etc/passwd")
    (folder / "nowhere.py").symlink_to("/nowhere")
    (folder / "memory.py").symlink_to("/dev/zero")
    deep = folder / "deep"
    deep.mkdir()
    (deep / "up").symlink_to("../..")
    os.mkfifo(folder / "pipe.ts")
    os.mkfifo(folder / ".env.local")
    (folder / "tsconfig.json").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(folder)  # A socket's whole path may have 107 bytes only.
        try:
            listening.bind("socket.ts")
        finally:
            os.chdir(here)
    with (folder / "hole.sql").open("wb") as file:
        file.truncate(1_000_000_000)
    with (folder / "hole.ts").open("wb") as file:
        file.truncate(999_999)
    (folder / "photo.png").write_bytes(b"\x89PNG\r\n" + os.urandom(2_000_000))
    (folder / "binary.js").write_bytes(os.urandom(500_000))


BOMBS: Contents = {
    f"supabase/migrations/202501010000{number:02}_{name}.sql": text
    for number, (name, text) in enumerate({
        "notes": "create table public.notes (id bigint primary key, body text, owner uuid);",
        "sleep": "select pg_sleep(3600);",
        "recursive": "with recursive r(n) as (select 1 union all select n + 1 from r) "
        "select count(*) from r;",
        "rows": "create table public.rows as "
        "select repeat(md5(g::text), 1000) as body from generate_series(1, 100000000) g;",
        "timeout": "reset statement_timeout; set statement_timeout = 0; select pg_sleep(3600);",
        "local": "set local statement_timeout = 0; set session authorization postgres; "
        "reset role; select pg_sleep(3600);",
        "program": "copy public.notes to program 'touch /tmp/owned-by-copy';",
        "from_program": "create table public.stolen (line text); "
        "copy public.stolen from program 'cat /etc/passwd';",
        "file": "copy public.stolen from '/etc/passwd';",
        "read": "create table public.passwd as select pg_read_file('/etc/passwd') as line;",
        "large_object": "select lo_import('/etc/passwd');",
        "listing": "create table public.listing as select * from pg_ls_dir('/');",
        "dblink": "create extension dblink; "
        "select dblink_connect('host=127.0.0.1 port=22 user=postgres');",
        "wrapper": "create extension postgres_fdw; create server s foreign data wrapper "
        "postgres_fdw options (host '127.0.0.1');",
        "superuser": "create role evil superuser login; alter role postgres superuser;",
        "system": "alter system set archive_command = 'touch /tmp/owned-by-archive'; "
        "select pg_reload_conf();",
        "language": "create function public.run() returns void language c as '/lib/libc.so.6', "
        "'system'; create extension plpython3u;",
        "terminate": "select pg_terminate_backend(pid) from pg_stat_activity;",
        "drop": "drop schema pg_catalog cascade; drop database postgres; drop owned by postgres;",
        "endless": "do $$ begin loop perform 1; end loop; end $$;",
        "memory": "do $$ declare a text := 'x'; begin loop a := a || a; end loop; end $$;",
        "trigger": "create function public.bite() returns trigger language plpgsql as "
        "$$ begin perform pg_sleep(3600); return new; end $$; "
        "create trigger bite before insert on public.notes "
        "for each row execute function public.bite();",
        "policy": "create function public.slow() returns boolean language plpgsql as "
        "$$ begin perform pg_sleep(3600); return true; end $$; "
        "alter table public.notes enable row level security; "
        "create policy slow on public.notes using (public.slow());",
        "rule": "create view public.endless as with recursive r(n) as "
        "(select 1 union all select n + 1 from r) select * from r; grant select on public.endless "
        "to anon;",
        "commit": "commit; begin; commit and chain; rollback; prepare transaction 'x';",
        "event": "create function public.e() returns event_trigger language plpgsql as "
        "$$ begin perform pg_sleep(3600); end $$; "
        "create event trigger e on ddl_command_end execute function public.e();",
        "meta": "\\! touch /tmp/owned-by-psql\n\\copy public.notes to '/tmp/owned-by-copy'\n",
        "regular": "select repeat('a', 40) ~ '(a*)*(a*)*(a*)*b' from generate_series(1, 1000000);",
        "listen": "listen x; notify x; lock table public.notes; "
        "select pg_advisory_lock(1) from generate_series(1, 1000000);",
        "last": "create table public.orders (id bigint primary key, price double precision);",
    }.items())
}  # fmt: skip
