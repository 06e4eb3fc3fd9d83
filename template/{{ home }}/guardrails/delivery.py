"""The gate `delivery`: the image and its deployment are valid, and their versions fit."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from .gate import Finding, NotChecked, existing, report, run
from .schemas import schema_findings

DOCKERFILE = Path("ops/container/Dockerfile")
KUBERNETES = Path("ops/kubernetes")

_CLIENT = re.compile(r"^ARG POSTGRES_VERSION=(?P<version>[\d.]+)$", re.MULTILINE)
_RESOURCE = re.compile(r"^\s*- (\S+\.yaml)$", re.MULTILINE)
_FAULT = re.compile(r"ERROR (?P<path>.+?) did not validate for (?P<what>.+)")
_UNKNOWN = re.compile(
    r"WARN (?P<path>.+) Couldn't find schema for kind (?P<kind>\S+) with api version (?P<group>\S+)"
)
_SERVER = re.compile(r"image: (?:\S*/)?postgres:(?P<version>\d+(?:\.\d+)*)")


def dockerfile_findings() -> list[Finding]:
    """What hadolint says against the Dockerfiles."""
    paths = existing("ops/container/Dockerfile*")
    if not paths:
        return []
    outcome = run(["hadolint", "--no-color", "--format", "json", *paths])
    try:
        entries = json.loads(outcome.stdout)
    except ValueError as error:
        raise NotChecked(f"hadolint: {outcome.stderr.strip()}") from error
    return [
        Finding(
            entry["file"],
            entry["line"],
            f"{entry['code']}: {entry['message'].rstrip('.')}.",
            f"See https://github.com/hadolint/hadolint/wiki/{entry['code']}",
        )
        for entry in entries
    ]


def compose_findings() -> list[Finding]:
    """What the Compose specification says against the compose files."""
    return schema_findings("vendor.compose-spec", existing("ops/compose/compose*.yaml"))


def manifest_findings() -> list[Finding]:
    """What the Kubernetes API would refuse, in the files and in what kustomize makes of them."""
    folders = [path.parent for path in existing(f"{KUBERNETES}/**/kustomization.yaml")]
    if not folders:
        return []
    findings = [finding for folder in folders for finding in _unlisted(folder)]
    findings += _refused(
        *(
            path
            for folder in folders
            for path in sorted(folder.glob("*.yaml"))
            if path.name != "kustomization.yaml"
        )
    )
    # Where there is no kubectl, CI and the cluster see the rendered form first.
    if shutil.which("kubectl") is None or findings:
        return findings
    for folder in folders:
        rendered = run(["kubectl", "kustomize", folder])
        if rendered.returncode:
            said = rendered.stderr.strip().removeprefix("error: ")
            findings.append(Finding(str(folder), 0, f"kustomize: {said}.", ""))
        else:
            findings += _refused("-", given=rendered.stdout, source=f"{folder} rendered")
    return findings


def version_findings() -> list[Finding]:
    """Servers whose version is not that of the image's pg_dump: their backups may not restore."""
    if not DOCKERFILE.exists():
        return []
    named = _CLIENT.search(DOCKERFILE.read_text(encoding="utf-8"))
    if named is None:
        return [Finding(str(DOCKERFILE), 0, "ARG POSTGRES_VERSION is gone.", "Name the server's.")]
    client = named["version"]
    return [
        Finding(
            str(path),
            text[: server.start()].count("\n") + 1,
            f"PostgreSQL {server['version']} is not the {client} of the image's client programs.",
            f"Move POSTGRES_VERSION in {DOCKERFILE} together with it.",
        )
        for path in existing("ops/compose/*.yaml", "ops/kubernetes/**/*.yaml")
        for text in [path.read_text(encoding="utf-8")]
        for server in _SERVER.finditer(text)
        if server["version"] != client
    ]


def _refused(*paths: Path | str, given: str | None = None, source: str = "") -> Iterator[Finding]:
    outcome = run(["kubernetes-validate", "--strict", "--quiet", *paths], given)
    said = [line for line in (outcome.stdout + outcome.stderr).splitlines() if line.strip()]
    if outcome.returncode and not any(line.startswith("ERROR ") for line in said):
        raise NotChecked(f"kubernetes-validate: {' '.join(' '.join(said).split())}")
    for line in said:
        if fault := _FAULT.match(line):
            yield Finding(source or fault["path"], 0, f"{fault['what']}.", "")
        elif unknown := _UNKNOWN.match(line):
            if _is_built_in(unknown["group"]):
                message = f"Kubernetes has no {unknown['kind']} of {unknown['group']}."
                yield Finding(source or unknown["path"], 0, message, "See `kubectl api-resources`.")
            else:
                print(f"delivery: NOT CHECKED: {unknown['kind']} has no published schema")


def _is_built_in(api_version: str) -> bool:
    group = api_version.rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


def _unlisted(folder: Path) -> Iterator[Finding]:
    kustomization = folder / "kustomization.yaml"
    listed = set(_RESOURCE.findall(kustomization.read_text(encoding="utf-8")))
    for path in sorted(folder.glob("*.yaml")):
        if path != kustomization and path.name not in listed:
            yield Finding(str(path), 0, "kustomization.yaml does not list it.", "Add or delete it.")


def main() -> int:
    """Exit status 1 for a finding, 2 when a tool is missing."""
    try:
        findings = [
            *dockerfile_findings(),
            *compose_findings(),
            *manifest_findings(),
            *version_findings(),
        ]
    except NotChecked as reason:
        print(f"delivery: NOT CHECKED: {reason}", file=sys.stderr)
        return 2
    return report("delivery", findings)


if __name__ == "__main__":
    sys.exit(main())
