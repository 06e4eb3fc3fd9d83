"""A baseline in Drizzle's own form: what it generates is held against what it pushes.

python -m roadworthy.applying.schema.drizzle SPECIFICATION, with a PostgreSQL in DATABASE_URL.
Its packages are installed and it is run in a copy that reaches nothing but that server.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from roadworthy.verifying.node import checks
from roadworthy.verifying.workplace import Ran, Terms, Workplace, workplace

from .model import Broken
from .proof import Postgres, compared

_INSTALL_SECONDS = 600
_SECONDS = 120
_BREAK = "--> statement-breakpoint"
_BOOK = """\
create schema if not exists drizzle;
create table if not exists drizzle.__drizzle_migrations
    (id serial primary key, hash text not null, created_at bigint);
insert into drizzle.__drizzle_migrations (hash, created_at) values ('{hash}', {when});
"""
_README = """\
# Migrations of the prototype's database

`{out}` holds the schema that the prototype makes with `drizzle-kit push` today, as Drizzle's first
migration. From now on `npx drizzle-kit generate` writes the next one from the changed schema, and
`npx drizzle-kit migrate` applies it before the new code starts; `push` is no longer used.

{proof}

## Once, for the database that is live

It has these tables already, so it is told so. First see that it really has them: `npx drizzle-kit
push` must say that there is nothing to change (do not let it change anything). Then, with `psql`:

{book}
A new, empty database gets `npx drizzle-kit migrate` instead.
"""


def main() -> int:
    specification = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        with workplace() as place:
            answer = Drizzle(place, specification).prove()
    except (Broken, psycopg.Error, OSError) as error:
        answer = {"error": str(error).strip().partition("\n")[0]}
    Path(specification["answer"]).write_text(json.dumps(answer), encoding="utf-8")
    return 0


class Drizzle:
    def __init__(self, place: Workplace, specification: Mapping[str, Any]) -> None:
        self.place = place
        self.app = specification["app"]
        self.tree = place.copy(Path(specification["root"]), "tree")
        self.folder = self.tree / self.app
        self.first = Postgres("as_is", place.scratch)
        self.second = Postgres("as_migrated", place.scratch)

    def prove(self) -> dict[str, Any]:
        self._install()
        before = self._files()
        self._kit("generate", "--name", "baseline", url=self.first.url)
        made = {path: text for path, text in self._files().items() if path not in before}
        journal = next((path for path in made if path.endswith("/meta/_journal.json")), "")
        if not journal:
            raise Broken("drizzle-kit generated nothing")
        out = journal.removesuffix("/meta/_journal.json")
        (migration,) = [path for path in made if path.startswith(out) and path.endswith(".sql")]
        self._kit("push", "--force", url=self.first.url)
        written = self.first.dump()
        self.second.make(made[migration].split(_BREAK))
        answer = compared(self.first, written, self.second.dump())
        book = self._book(made[migration], made[journal])
        self.first.make([book])
        self._kit("migrate", url=self.first.url)
        answer["stamped"] = self.first.dump("drizzle") == written
        files = {path: text for path, text in made.items() if path.startswith(f"{out}/")}
        return answer | {"files": files, "out": out, "book": book}

    def _install(self) -> None:
        step = checks(self.tree, self.app, "").commands[0]
        ran = self._run(step.argv, self.tree / step.folder, Terms(_INSTALL_SECONDS, network=True))
        if ran.status != 0 and step.otherwise:
            loose = step.otherwise.argv
            ran = self._run(loose, self.tree / step.folder, Terms(_INSTALL_SECONDS, network=True))
        if ran.status != 0:
            raise Broken(f"its packages could not be installed ({step.told})")
        if not (self.folder / "node_modules/pg").is_dir():
            more = ("npm", "install", "--no-save", "--ignore-scripts", "pg")
            self._run(more, self.folder, Terms(_INSTALL_SECONDS, network=True))

    def _kit(self, *arguments: str, url: str) -> None:
        kit = self.folder / "node_modules/.bin/drizzle-kit"
        if not kit.exists():
            raise Broken("drizzle-kit is not among its packages")
        port = urlsplit(url).port or 5432
        terms = Terms(_SECONDS, serves=True, ports=(port,), variables={"DATABASE_URL": url})
        ran = self._run((str(kit), *arguments), self.folder, terms)
        if ran.status != 0:
            last = ran.said.strip().splitlines()[-1:] or ["it said nothing"]
            raise Broken(f"drizzle-kit {arguments[0]} failed: {last[0][:300]}")

    def _run(self, command: tuple[str, ...], folder: Path, terms: Terms) -> Ran:
        return self.place.run(command, folder, terms)

    def _files(self) -> dict[str, str]:
        return {
            path.relative_to(self.tree).as_posix(): path.read_text(encoding="utf-8")
            for path in self.folder.rglob("*")
            if path.suffix in {".sql", ".json"}
            and "node_modules" not in path.parts
            and path.is_file()
        }

    def _book(self, migration: str, journal: str) -> str:
        """What Drizzle would have written down, had it applied the migration itself."""
        when = json.loads(journal)["entries"][0]["when"]
        return _BOOK.format(hash=hashlib.sha256(migration.encode()).hexdigest(), when=int(when))


def readme(answer: Mapping[str, Any], proof: str) -> str:
    book = "".join(f"    {line}\n" for line in str(answer["book"]).splitlines())
    return _README.format(out=answer["out"], proof=proof, book=book)


if __name__ == "__main__":
    sys.exit(main())
