"""What git tracks and should not, what it should ignore, and what a newcomer reads first."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...engine.finding import Evidence, Finding, Place, Severity
from ...engine.tree import read_within
from .project import Project
from .uploads import uploads


@dataclass(frozen=True)
class _Junk:
    """A kind of file that nobody wrote: how its folder is told, and the file that proves it."""

    what: str
    pattern: re.Pattern[str]
    severity: Severity = Severity.LOW
    markers: tuple[str, ...] = ()


_JUNK = (
    _Junk(
        "installed packages (node_modules)",
        re.compile(r"^(.*?(?:^|/)node_modules)/"),
        Severity.MEDIUM,
        (".package-lock.json", ".yarn-integrity", ".modules.yaml"),
    ),
    _Junk(
        "a virtual environment",
        re.compile(
            r"^(.*?(?:^|/)\.?(?:venv|virtualenv|env))/(?=pyvenv\.cfg|[Ll]ib/|bin/|Scripts/)"
        ),
        Severity.MEDIUM,
        ("pyvenv.cfg",),
    ),
    _Junk(
        "build output",
        re.compile(
            r"^(.*?(?:^|/)\.(?:next|nuxt|svelte-kit|turbo|output|vercel|parcel-cache|angular))/"
        ),
        Severity.MEDIUM,
        ("package.json", "build-manifest.json", "BUILD_ID"),
    ),
    _Junk(
        "bundled code",
        re.compile(
            r"^(.*?(?:^|/)(?:dist|build))/"
            r"(?=.*(?:assets/[^/]*-[\w-]{8}\.(?:js|css)$|index\.html$|\.map$|bundle\.js$))"
            r"|^(assets)/index-(?=[\w-]{8}\.(?:js|css)$)"
        ),
        markers=("index.html",),
    ),
    _Junk(
        "caches of tools",
        re.compile(
            r"^(.*?(?:^|/)\.(?:gradle|expo|dart_tool|mypy_cache|pytest_cache|ruff_cache|eslintcache))/"
        ),
    ),
    _Junk("compiled Python", re.compile(r"^(.*?(?:^|/)__pycache__)/")),
    _Junk("system files", re.compile(r"^((?:.*/)?(?:\.DS_Store|Thumbs\.db))$")),
    _Junk("editor settings", re.compile(r"^(.*?(?:^|/)\.idea)/"), markers=("workspace.xml",)),
    _Junk(
        "test coverage",
        re.compile(r"^((?:[^/]+/)?coverage)/(?=lcov|index\.html|clover|coverage-)"),
    ),
    _Junk(
        "what the database's tool keeps", re.compile(r"^(.*?(?:^|/)supabase/\.(?:temp|branches))/")
    ),
    _Junk(
        "what was typed",
        re.compile(r"^((?:.*/)?\.(?:R|(?:bash|zsh|python|psql|mysql|sqlite|node_repl)_)history)$"),
    ),
    _Junk("log files", re.compile(r"^((?:.*/)?[^/]+\.log)$")),
    _Junk("what a compiler remembers", re.compile(r"^((?:.*/)?[^/]*\.tsbuildinfo)$")),
    _Junk(
        "archives",
        re.compile(
            r"^(?!.*(?:^|/)(?:public|static|downloads?|tests?|fixtures?|\.yarn)/)"
            r"((?:.*/)?[^/]+\.(?:zip|rar|7z|tgz|tar(?:\.gz)?))$"
        ),
    ),
    _Junk(
        "somebody's cookies",
        re.compile(r"^((?:.*/)?(?:\w+[_-])?cookies?(?:[_-]\w+)?\.(?:txt|jar))$"),
        Severity.MEDIUM,
    ),
)
_DATABASE = re.compile(
    r"\.(db|sqlite3?|db3|mdb|accdb|rdb|dump|pgdump)(\.bak|\.old)?$|\.sql\.bak$|(?:^|/)toc\.dat$",
    re.IGNORECASE,
)
_DUMP = re.compile(
    r"^(?!.*migrations?/).*(dump|backup|export|\bprod(uction)?\b)[^/]*\.sql(\.gz)?$", re.IGNORECASE
)
_ROW = re.compile(rb"\bVALUES\s*\(|\)\s*,\s*\(", re.IGNORECASE)
_MONGO = re.compile(r"(^|/)(WiredTiger[^/]*|mongod\.lock|journal/WiredTigerLog[^/]*|[\w-]+\.wt)$")
_PERSONAL_COLUMN = re.compile(
    r"^\W*(e[-_ ]?mail|phone|mobile|telefono?|first[-_ ]?name|last[-_ ]?name|surname|full[-_ ]?name"
    r"|address|birth|dob|ssn|passport|iban|password)",
    re.IGNORECASE,
)
_PERSONAL_BYTES = re.compile(rb"password|e_?mail|phone|address", re.IGNORECASE)
_PEOPLE = re.compile(
    rb"[\w.+-]{1,64}@[\w-]{1,64}\.[a-z]{2,}|pbkdf2_sha256\$|\$2[aby]\$\d|\$argon2|scrypt[:$]"
)
"""An address or the hash of a password: an empty database has none."""
_ADDRESS = re.compile(rb"[\w.+-]{1,64}@(?!\d+(?:\.\d+)?x\b)[\w-]{1,64}(?:\.[\w-]{2,24})+")
"""`icon@2x.png` is a picture."""
_MADE_UP = re.compile(
    rb"(?:test|demo|dummy|fake|sample|example|admin|owner|dev|developer|user|vendor|manager|staff"
    rb"|guest|customer|client|student|teacher|doctor|patient|driver|seller|buyer|viewer|editor|member"
    rb"|analyst|employee|cashier|support|info|john|jane|alice|bob)[\w.+-]{0,12}@.*"
    rb"|.*@(?:[\w-]+\.)*(?:example|test|demo|dummy|fake|sample|domain|email|invalid|local|localhost)"
    rb"(?:\.\w{2,4})?",
    re.IGNORECASE,
)
"""Nobody's address: `owner@shop.local`."""
_TELEPHONE = re.compile(
    rb"\"(?:\w*(?:phone|mobile|whatsapp|telefono?))\w*\"\s*:\s*\"(\+?\d[\d ()-]{7,18}\d)\"",
    re.IGNORECASE,
)
_NUMBERS = re.compile(rb"phone|mobile|whatsapp|telefon", re.IGNORECASE)
_BACKUP = re.compile(r"(?:^|[/_.-])(?:back-?up|dump|export)(?:[_.-][^/]*)?\.json$", re.IGNORECASE)
_FEW_PEOPLE = 20
_SMALLEST_LIST = 400
_OF_PACKAGES = re.compile(
    r"(^|/)(package|tsconfig|composer|bower|lerna)[^/]*\.json$|lock|(^|/)(locales?|i18n|lang)/"
    r"|node_modules/|schema|openapi|swagger|postman",
    re.IGNORECASE,
)
_WRITTEN_OUT = re.compile(rb"-- (?:MySQL|MariaDB|PostgreSQL database) dump|-- Dumping data for")
_READ_AT_MOST = 20_000_000
_FEWEST_ROWS = 10
_OF_TOOLS = re.compile(r"(^|/)\.(vs|idea|vscode|gradle|cache|dart_tool)/")
"""What an editor or a build keeps for itself."""
_FIXTURE = re.compile(r"(^|/)(tests?|fixtures?|__tests__|samples?|examples?|seeds?)/")
_DEFAULT_README = re.compile(
    r"Welcome to your Lovable project|lovable\.dev/projects/REPLACE|^# React \+ TypeScript \+ Vite"
    r"|template provides a minimal setup to get React|bootstrapped with \[`?create-next-app"
    r"|Automatically synced with your \[?v0|Here are your Instructions|Getting Started with Create"
    r"|lovable\.dev/projects/[0-9a-f-]{36}|^# (my-v0-project|vite-project)",
    re.MULTILINE,
)
_SHORT = 200
_ALLOWS_ALL = re.compile(
    r"\"Bash\(\*?\*?\)\"|\"Bash\"|bypassPermissions|dangerously|\"\*\"|\"Bash\(:\*\)\"",
    re.IGNORECASE,
)
_AGENT = re.compile(r"(^|/)(\.claude/settings(\.local)?\.json|\.cursor/[\w.-]*\.json)$")


def findings(project: Project) -> Iterator[Finding]:
    yield from _junk(project)
    yield from _data(project)
    yield from uploads(project)
    yield from _ignored(project)
    yield from _agents(project)
    yield from _readme(project)


def _junk(project: Project) -> Iterator[Finding]:
    found: dict[_Junk, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in project.tracked():
        for kind in _JUNK:
            if match := kind.pattern.match(path):
                found[kind][match[match.lastindex or 1]].append(path)
                break
    for kind, folders in found.items():
        count = sum(map(len, folders.values()))
        proofs = [Place(path) for path in _proofs(kind, folders)]
        yield Finding(
            "repo.junk-committed",
            proofs[0],
            f"{count:,} file(s) of {kind.what} are tracked.",
            severity=kind.severity,
            evidence=Evidence.EXACT,
            also=tuple(proofs[1:30]),
        )


def _proofs(kind: _Junk, folders: dict[str, list[str]]) -> Iterator[str]:
    """One file of each folder, then the others where no file shows best what the folder is."""
    first = [_proof(folder, paths, kind.markers) for folder, paths in sorted(folders.items())]
    yield from first
    if not kind.markers:
        yield from sorted({path for paths in folders.values() for path in paths} - set(first))


def _proof(folder: str, paths: list[str], markers: tuple[str, ...]) -> str:
    """The file that shows best what the folder is."""
    for marker in markers:
        if f"{folder}/{marker}" in paths:
            return f"{folder}/{marker}"
    return min(paths, key=lambda path: (path.count("/"), path))


def _data(project: Project) -> Iterator[Finding]:
    mongo = [path for path in project.tracked() if _MONGO.search(path)]
    if any("WiredTiger" in path for path in mongo):
        mongo.sort(key=lambda path: ("journal/" not in path, path))
        yield _data_finding(
            mongo, Severity.HIGH, f"A MongoDB data directory ({len(mongo)} files) is tracked."
        )
    for path in project.tracked():
        if "node_modules/" in path or "site-packages/" in path or _OF_TOOLS.search(path):
            continue
        if _DATABASE.search(path) or _DUMP.match(path):
            yield from _database(project, path)
        elif path.endswith(".csv") and not _FIXTURE.search(path):
            yield from _table(project, path)
        elif path.endswith((".json", ".sql")) and not _FIXTURE.search(path):
            yield from _people(project, path)


def _database(project: Project, path: str) -> Iterator[Finding]:
    content = read_within(project.tree.root, path, _READ_AT_MOST)
    size = project.tree.sizes.get(path, 0)
    if not size or (content is not None and not content.strip(b"\0\n ")):
        return
    if content is not None and path.endswith(".sql") and not _dumped(content):
        return
    personal = content is None or bool(
        _PERSONAL_BYTES.search(content)
        and (path.endswith((".sql", "toc.dat")) or _PEOPLE.search(content))
    )
    fixture = bool(_FIXTURE.search(path))
    severity = Severity.HIGH if personal and not fixture else Severity.MEDIUM
    tail = ", with columns of personal data" if personal else ""
    if personal and content is not None and _of_nobody(content):
        severity, tail = Severity.LOW, ": all the people in it look made up"
    told = _data_finding(
        [path], severity, f"The database {path} ({size:,} bytes) is tracked{tail}."
    )
    people = _PEOPLE.search(content) if content is not None and path.endswith(".sql") else None
    if people and content is not None:
        told = replace(told, also=(Place(path, content.count(b"\n", 0, people.start()) + 1),))
    yield told


def _of_nobody(content: bytes) -> bool:
    """A few accounts that somebody made to try things out with."""
    addresses = set(_ADDRESS.findall(content))
    return 0 < len(addresses) <= _FEW_PEOPLE and all(map(_MADE_UP.fullmatch, addresses))


def _dumped(content: bytes) -> bool:
    """Rows, not a schema with the accounts that it begins with."""
    if b"\nCOPY " in content or len(_ROW.findall(content)) >= _FEWEST_ROWS:
        return True
    return _WRITTEN_OUT.search(content) is not None and _PEOPLE.search(content) is not None


def _table(project: Project, path: str) -> Iterator[Finding]:
    text = project.tree.text(path) or ""
    header, _, rest = text.partition("\n")
    columns = [column for column in re.split(r"[,;\t]", header) if _PERSONAL_COLUMN.match(column)]
    if columns and rest.count("\n") >= _FEWEST_ROWS:
        names = ", ".join(column.strip()[:30] for column in columns[:4])
        yield _data_finding(
            [path],
            Severity.MEDIUM,
            f"{path} holds {rest.count(chr(10)):,} rows of people ({names}).",
        )


def _people(project: Project, path: str) -> Iterator[Finding]:
    """A list of people: a good many addresses or telephones that belong to somebody; of a backup
    a few will do.
    """
    size = project.tree.sizes.get(path, 0)
    if not _SMALLEST_LIST < size < _READ_AT_MOST or _OF_PACKAGES.search(path):
        return
    content = read_within(project.tree.root, path, _READ_AT_MOST) or b""
    few = 2 if _BACKUP.search(path) else _FEW_PEOPLE
    many = content.count(b"@") >= few
    addresses = {
        one for one in set(_ADDRESS.findall(content) if many else ()) if not _MADE_UP.fullmatch(one)
    }
    asks = path.endswith(".json") and _NUMBERS.search(content) is not None
    telephones = set(_TELEPHONE.findall(content) if asks else ())
    kind, most = max(
        (("e-mail addresses", addresses), ("telephone numbers", telephones)),
        key=lambda one: len(one[1]),
    )
    if len(most) >= few:
        message = f"{path} holds the {kind} of {len(most):,} people."
        yield _data_finding([path], Severity.MEDIUM, message)


def _data_finding(paths: list[str], severity: Severity, message: str) -> Finding:
    return Finding(
        "repo.data-committed",
        Place(paths[0]),
        message,
        severity=severity,
        evidence=Evidence.EXACT,
        also=tuple(Place(path) for path in paths[1:30]),
    )


def _ignored(project: Project) -> Iterator[Finding]:
    if ".gitignore" not in project.tree.present:
        if not any(project.named(".gitignore")):
            yield Finding(
                "repo.gitignore-missing",
                Place(),
                "No .gitignore: the next `git add .` takes whatever lies about.",
                evidence=Evidence.EXACT,
            )
        return
    text = project.tree.text(".gitignore") or ""
    if not any(line.strip() and not line.startswith("#") for line in text.splitlines()):
        yield Finding(
            "repo.gitignore-empty",
            Place(".gitignore"),
            ".gitignore ignores nothing.",
            evidence=Evidence.EXACT,
        )


def _agents(project: Project) -> Iterator[Finding]:
    for path in project.tracked():
        if not _AGENT.search(path):
            continue
        text = project.tree.text(path) or ""
        free = _ALLOWS_ALL.search(text)
        if path.endswith("settings.local.json") or free:
            said = f", and allows everything ({free[0]})" if free else ""
            yield Finding(
                "config.agent-permissions",
                Place(path),
                f"{path} gives whoever clones this one person's permissions for an agent{said}.",
                evidence=Evidence.EXACT,
            )


def _readme(project: Project) -> Iterator[Finding]:
    readmes = [
        path for path in project.tree.files if re.match(r"readme(\.\w+)?$", path, re.IGNORECASE)
    ]
    if not readmes:
        yield Finding(
            "docs.no-readme", Place(), "No README says what this is.", evidence=Evidence.EXACT
        )
        return
    text = (project.tree.text(readmes[0]) or "").strip()
    default = _DEFAULT_README.search(text)
    if default or len(text) < _SHORT:
        why = "is what the builder generated" if default else f"has {len(text)} characters"
        yield Finding(
            "docs.readme-default",
            Place(readmes[0]),
            f"{readmes[0]} {why}: a newcomer can't start from it.",
            evidence=Evidence.EXACT,
        )
