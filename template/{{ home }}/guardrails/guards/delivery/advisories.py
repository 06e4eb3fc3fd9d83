"""Asking an advisory database that speaks OSV about packages; only when one is named."""

import json
import re
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

from ...engine.finding import Severity
from .scoring import rated

VARIABLE = "GUARDRAILS_ADVISORIES"
PUBLIC = "https://api.osv.dev"

Package = tuple[str, str, str]
"""Ecosystem, name and version."""

_BATCH = 1000
_MOST_PAGES = 20
_MOST_BYTES = 30_000_000
_SECONDS, _SECONDS_A_REQUEST = 90, 15
_AT_ONCE = 8
_ID = re.compile(r"[A-Za-z0-9][\w.:-]{0,99}$", re.ASCII)


class NotAsked(Exception):
    """The database gave no answer that can be used; the message says why."""


@dataclass(frozen=True)
class Advisory:
    """What is known of a vulnerability; without a severity, nothing but its name is."""

    id: str
    summary: str = ""
    severity: Severity | None = None
    fixed: tuple[tuple[str, str], ...] = ()
    """The package and the first version without it, for each line of releases."""
    withdrawn: bool = False
    answered: bool = True


def address(named: str) -> str:
    """The database's address; `osv` is the public one.

    Raises:
        NotAsked: it is none of the web.
    """
    url = PUBLIC if named.strip().lower() == "osv" else named.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise NotAsked("its address is none that begins with http:// or https://")
    return url


class Database:
    """One conversation with an advisory database, which ends in time."""

    def __init__(self, url: str, seconds: float = _SECONDS) -> None:
        self._url = url
        self._end = time.monotonic() + seconds

    def known(self, packages: Sequence[Package]) -> dict[Package, frozenset[str]]:
        """The names of the advisories about each package that has any.

        Raises:
            NotAsked: it did not answer, or something else than was asked.
        """
        found: dict[Package, frozenset[str]] = {}
        for start in range(0, len(packages), _BATCH):
            for package, ids in self._ask(packages[start : start + _BATCH]):
                found[package] = found.get(package, frozenset()) | ids
        return found

    def advisories(self, names: Iterable[str]) -> dict[str, Advisory]:
        """What each is about; one that can't be had is `answered=False`."""
        wanted = sorted(set(names))
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            return dict(zip(wanted, pool.map(self._advisory, wanted), strict=True))

    def _ask(self, packages: Sequence[Package]) -> Iterator[tuple[Package, frozenset[str]]]:
        asked: list[tuple[Package, str]] = [(package, "") for package in packages]
        for _ in range(_MOST_PAGES):
            if not asked:
                return
            queries = [_query(package, token) for package, token in asked]
            answer = self._json("/v1/querybatch", {"queries": queries})
            results = answer.get("results")
            if not isinstance(results, list) or len(results) != len(asked):
                raise NotAsked("it answered other questions than were asked")
            more: list[tuple[Package, str]] = []
            for (package, _), result in zip(asked, results, strict=True):
                if ids := _ids(result):
                    yield package, ids
                if isinstance(result, dict) and isinstance(result.get("next_page_token"), str):
                    more.append((package, result["next_page_token"]))
            asked = [(package, token) for package, token in more if token]
        raise NotAsked("its answer has no end")

    def _advisory(self, name: str) -> Advisory:
        try:
            content = self._json(f"/v1/vulns/{quote(name, safe='')}", None)
        except NotAsked:
            return Advisory(name, answered=False)
        summary = content.get("summary") or content.get("details")
        return Advisory(
            name,
            summary=_one_line(summary if isinstance(summary, str) else ""),
            severity=rated(content),
            fixed=tuple(_fixes(content)),
            withdrawn=bool(content.get("withdrawn")),
        )

    def _json(self, path: str, question: Any) -> Mapping[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - `address` lets only the web through
            self._url + path,
            data=None if question is None else json.dumps(question).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "guardrails"},
        )
        try:
            content = json.loads(self._body(request))
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            reason = getattr(error, "reason", None) or error
            raise NotAsked(_one_line(str(reason) or type(error).__name__)) from None
        if not isinstance(content, dict):
            raise NotAsked("it answered no JSON object")
        return content

    def _body(self, request: urllib.request.Request) -> bytes:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("it took too long")
        end = min(self._end, time.monotonic() + _SECONDS_A_REQUEST)
        body = bytearray()
        with urllib.request.urlopen(request, timeout=min(left, _SECONDS_A_REQUEST)) as answer:  # noqa: S310
            while piece := answer.read1(65_536):
                body += piece
                if len(body) > _MOST_BYTES:
                    raise ValueError("it answered without end")
                if time.monotonic() > end:
                    raise TimeoutError("it took too long")
        return bytes(body)


def _query(package: Package, token: str) -> dict[str, Any]:
    ecosystem, name, version = package
    query = {"package": {"ecosystem": ecosystem, "name": name}, "version": version}
    return query | ({"page_token": token} if token else {})


def _ids(result: Any) -> frozenset[str]:
    listed = result.get("vulns", []) if isinstance(result, dict) else None
    if not isinstance(listed, list):
        raise NotAsked("it answered something that is not OSV")
    ids = frozenset(str(entry.get("id")) for entry in listed if isinstance(entry, dict))
    if (listed and not ids) or not all(_ID.match(name) for name in ids):
        raise NotAsked("it names advisories that are none")
    return ids


def _fixes(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for affected in _tables(content.get("affected")):
        package = affected.get("package")
        name = package.get("name") if isinstance(package, dict) else None
        for versions in _tables(affected.get("ranges")):
            if not isinstance(name, str) or versions.get("type") == "GIT":
                continue
            for event in _tables(versions.get("events")):
                if isinstance(event.get("fixed"), str):
                    yield name, event["fixed"]


def _tables(value: Any) -> Iterator[Mapping[str, Any]]:
    return (it for it in value if isinstance(it, dict)) if isinstance(value, list) else iter(())


def _one_line(text: str, most: int = 160) -> str:
    line = " ".join("".join(it if it.isprintable() else " " for it in text[:1000]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
