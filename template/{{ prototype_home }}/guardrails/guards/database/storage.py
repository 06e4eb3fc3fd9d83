"""Buckets and the files in them: what is public, and whose files strangers can touch."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL

from ...engine.finding import Evidence, Finding, Place, Severity
from .attempts import refused
from .policies import VERBS, is_open
from .relations import Policy, Table, read
from .scene import Scene
from .seeding import VICTIM
from .sensitivity import words
from .stranger import ANON, USER, Stage, Visitor

PRIVATE = re.compile(
    r"document|contract|invoice|receipt|id_|_id$|identity|kyc|passport|license|medical|health|record"
    r"|prescription|payslip|payroll|salary|legal|private|confidential|secure|security|proof|resume"
    r"|^cv|_cv|application|report|statement|tax|bank|payment|evidence|claim|patient|student"
    r"|attachment|backup|export|message|chat|voice|signature|verification|consent|case|complaint"
    r"|documento|contrato|fatura|factura|comprovante|comprobante|recibo|nota_fiscal|laudo|exame"
    r"|vertrag|rechnung|ausweis|facture|dokumen|kontrak|berkas|anexo|adjunto|curriculo"
)
PUBLISHED = re.compile(
    r"avatar|logo|image|img|photo|picture|foto|bild|product|banner|public|asset|cover|thumbnail|media"
    r"|gallery|icon|brand|menu|blog|post|hero|site|website|static|theme|favicon|flyer|catalog"
)
OPERATIONS = {
    "INSERT": SQL(
        "insert into storage.objects (bucket_id, name, owner, owner_id)"
        " values (%(bucket)s, %(new)s, %(caller)s, %(caller)s)"
    ),
    "UPDATE": SQL(
        "update storage.objects set metadata = '{\"changed\": true}'"
        " where bucket_id = %(bucket)s and name = %(name)s"
    ),
    "DELETE": SQL("delete from storage.objects where bucket_id = %(bucket)s and name = %(name)s"),
    "SELECT": SQL("select from storage.objects where bucket_id = %(bucket)s and name = %(name)s"),
}


@dataclass(frozen=True)
class Bucket:
    id: str
    public: bool
    named_only: bool = False
    """Made in the dashboard: nothing here says whether its files are meant to be public."""

    @property
    def private_by_name(self) -> bool:
        return bool(PRIVATE.search(words(self.id))) and not self.published_by_name

    @property
    def published_by_name(self) -> bool:
        """Pictures of something, unless it is said to be private or a person's paper."""
        name = words(self.id)
        papers = re.search(r"document|private|medical|identity|kyc|verification|invoice", name)
        return bool(PUBLISHED.search(name)) and not papers

    @property
    def name(self) -> str:
        return f"{VICTIM.uid}/{VICTIM.mark}.pdf"


def find(scene: Scene, stage: Stage) -> Iterator[Finding]:
    found = read(stage.connection, ["storage"]).tables.get(("storage", "objects"))
    if found is None:
        return
    _add_named(stage, found)
    for bucket in _buckets(stage):
        if bucket.public:
            yield _public(scene, bucket)
        yield from _open(scene, stage, found, bucket)


def reach(stage: Stage, visitors: Iterable[Visitor]) -> Iterator[tuple[str, str, Visitor, bool]]:
    """Bucket, command, visitor, and whether they got at somebody else's file with it."""
    for bucket in _buckets(stage):
        if _put_file(stage, bucket):
            for visitor in visitors:
                for command in OPERATIONS:
                    yield bucket.id, command, visitor, _can(stage, bucket, visitor, command)


def _buckets(stage: Stage) -> list[Bucket]:
    found = stage.connection.execute(
        "select id, coalesce(public, false), owner_id is not distinct from %s from storage.buckets",
        [_BY_POLICIES],
    )
    return [Bucket(*row) for row in found.fetchall()]


_BY_POLICIES = "named by policies"
_OF_BUCKET = re.compile(r"\bbucket_id\)?(?:::text)? = '([^']+)'")


def _add_named(stage: Stage, objects: Table) -> None:
    """Buckets that only policies name were made in the dashboard: private, as far as one knows."""
    texts = (f"{policy.using} {policy.check}" for policy in objects.policies)
    known = {bucket.id for bucket in _buckets(stage)}
    for name in dict.fromkeys(one for text in texts for one in _OF_BUCKET.findall(text)):
        if name not in known:
            query = "insert into storage.buckets (id, name, owner_id) values (%s, %s, %s)"
            stage.connection.execute(query, [name, name, _BY_POLICIES])


def _place(scene: Scene, bucket: Bucket) -> Place:
    return scene.replay.place("bucket", "storage", bucket.id)


def _public(scene: Scene, bucket: Bucket) -> Finding:
    severity = Severity.MEDIUM
    if bucket.private_by_name:
        severity = Severity.HIGH
    elif bucket.published_by_name:
        severity = Severity.INFO
    return Finding(
        "storage.public-bucket",
        _place(scene, bucket),
        f"Whoever has the address can fetch every file of the bucket `{bucket.id}`, for ever.",
        severity,
        Evidence.EXECUTED,
    )


def _open(scene: Scene, stage: Stage, objects: Table, bucket: Bucket) -> Iterator[Finding]:
    """One finding for a bucket: what a stranger could do with somebody's file in it."""
    if not _put_file(stage, bucket):
        return
    told: list[tuple[Visitor, list[str], Severity]] = []
    for visitor in (ANON, USER):
        done = [command for command in OPERATIONS if _can(stage, bucket, visitor, command)]
        if bucket.public and "SELECT" in done:
            done.remove("SELECT")
        known = {command for _, others, _ in told for command in others}
        done = [command for command in done if command not in known]
        severity = _severity(bucket, visitor, done)
        if severity is None and "INSERT" in done and (told or _is_divided(objects, bucket)):
            severity = Severity.LOW
        if severity is not None:
            told.append((visitor, done, severity))
    if told:
        yield _told(scene, objects, bucket, told)


def _told(
    scene: Scene,
    objects: Table,
    bucket: Bucket,
    told: list[tuple[Visitor, list[str], Severity]],
) -> Finding:
    """What each visitor can do with it; who signs up can do what strangers can, and more."""
    said: list[str] = []
    places: list[Place] = []
    for visitor, done, _ in told:
        guilty = _guilty(objects, bucket, visitor, done)
        named = ", ".join(f"“{policy.name}”" for policy in guilty)
        who = scene.who(visitor)
        who = who[:1].lower() + who[1:] if said else who
        deeds = f"{who} can {_deeds(done)}"
        where = f" in the bucket `{bucket.id}`" if not said else ""
        said.append(f"{deeds}{where}{f': {named}' if named else ''}")
        places += scene.policy_places(objects, guilty) if guilty else [_place(scene, bucket)]
    severity = max(one[2] for one in told)
    if bucket.named_only:
        severity = min(severity, Severity.HIGH if bucket.private_by_name else Severity.MEDIUM)
    return Finding(
        "storage.open-policy",
        places[0],
        "; ".join(said) + ".",
        severity,
        Evidence.EXECUTED,
        also=tuple(dict.fromkeys(places[1:])),
    )


def _deeds(done: list[str]) -> str:
    theirs = ", ".join(VERBS[command] for command in done if command != "INSERT")
    added = ["add files to somebody else's folder"] if "INSERT" in done else []
    return " and ".join([f"{theirs} somebody else's files"] * bool(theirs) + added)


def _severity(bucket: Bucket, visitor: Visitor, done: list[str]) -> Severity | None:
    """What it costs; None for what an upload by signed-in users needs."""
    if {"UPDATE", "DELETE"} & set(done):
        return Severity.CRITICAL if bucket.private_by_name else Severity.HIGH
    if "SELECT" in done and not bucket.published_by_name:
        worse = Severity.CRITICAL if bucket.private_by_name else Severity.HIGH
        return worse if visitor is ANON else Severity(worse - 1)
    if "INSERT" in done and visitor is ANON:
        return Severity.MEDIUM
    return None


def _is_divided(objects: Table, bucket: Bucket) -> bool:
    """Whether another policy says that each folder of the bucket is a user's own."""
    texts = (policy.using + policy.check for policy in objects.policies)
    return any(
        f"'{bucket.id}'" in text and "foldername" in text and "uid()" in text for text in texts
    )


def _put_file(stage: Stage, bucket: Bucket) -> bool:
    try:
        with stage.connection.transaction():
            stage.connection.execute("set local session_replication_role = replica")
            stage.connection.execute(
                "insert into storage.objects (bucket_id, name, owner, owner_id)"
                " values (%s, %s, %s, %s)",
                [bucket.id, bucket.name, VICTIM.uid, VICTIM.uid],
            )
            stage.connection.execute("set local session_replication_role = origin")
    except psycopg.Error:
        return False
    return True


def _can(stage: Stage, bucket: Bucket, visitor: Visitor, command: str) -> bool:
    values = {
        "bucket": bucket.id,
        "name": bucket.name,
        # A file in somebody else's folder.
        "new": f"{VICTIM.uid}/new.pdf",
        "caller": visitor.person.uid if visitor.person else None,
    }
    try:
        with stage.visited(visitor):
            count, _ = stage.run(OPERATIONS[command], values)
    except psycopg.Error as error:
        return refused(error).allowed
    return count > 0


def _guilty(
    objects: Table, bucket: Bucket, visitor: Visitor, done: list[str]
) -> tuple[Policy, ...]:
    found: dict[str, Policy] = {}
    # Who can destroy a file matters more than who can add one.
    for command in sorted(done, key=lambda command: command == "INSERT"):
        able = [p for p in objects.policies if p.permissive and p.applies(command, visitor.role)]
        mine = [p for p in able if f"'{bucket.id}'" in p.using + p.check]
        blind = [p for p in mine if "uid()" not in p.using + p.check]
        for policy in blind or mine or [p for p in able if is_open(p, command)] or able:
            found.setdefault(policy.name, policy)
    return tuple(found.values())
