"""Continuous integration: is there any, does it run a test, are its actions pinned?"""

import re
from collections.abc import Iterator

from ...engine.finding import Evidence, Finding, Place, Severity
from .project import Project

_PIPELINE = re.compile(
    r"^(\.github|\.gitea|\.forgejo)/workflows/[^/]+\.ya?ml$"
    r"|^\.gitlab-ci\.ya?ml$|^bitbucket-pipelines\.ya?ml$|^\.circleci/config\.ya?ml$"
    r"|^azure-pipelines[\w.-]*\.ya?ml$|^\.azure-pipelines/.*\.ya?ml$|^Jenkinsfile$"
    r"|^\.travis\.ya?ml$|^\.drone\.ya?ml$|^\.woodpecker(/.*)?\.ya?ml$|^\.buildkite/.*\.ya?ml$"
    r"|^cloudbuild\.ya?ml$|^appveyor\.yml$|^\.semaphore/.*\.yml$|^codemagic\.yaml$"
)
RUNS_TESTS = re.compile(
    r"\b(vitest|jest|mocha|ava|pytest|nosetests|unittest|tox|nox|playwright\s+test|cypress\s+run"
    r"|deno\s+test|bun\s+test|node\s+--test|go\s+test|cargo\s+test|manage\.py\s+test|rspec|phpunit"
    r"|mvn\b.*\b(test|verify)|gradlew?\b.*\b(test|check)|dotnet\s+test|supabase\s+test|karma"
    r"|react-scripts\s+test|ng\s+test|hatch\s+test|karate)\b"
    r"|cypress-io/github-action"
)
_SCRIPT = re.compile(r"\b(?:npm|pnpm|yarn|bun)\s+(?:--?[\w=./-]+\s+\S*\s*)*(?:run\s+)?([\w:.-]+)")
_MAKE = re.compile(r"\b(?:make|just|task)\s+(?:-C\s+\S+\s+)?([\w:.-]+)")
_USES = re.compile(r"^\s*(?:-\s*)?uses:\s*[\"']?([\w.-]+/[\w./-]+)@([^\s\"'#]+)", re.MULTILINE)
_EMPTY_TEST = re.compile(r"no test specified|^\s*(exit 0|true|:)\s*$")
_DEEPEST = 4
_SMALL = 20
"""Kilobytes of source below which a missing pipeline is no great matter."""


def findings(project: Project) -> Iterator[Finding]:
    pipelines = sorted(path for path in project.tree.files if _PIPELINE.match(path))
    if not pipelines:
        yield Finding(
            "ci.none",
            Place(),
            "No workflow builds, checks or tests a change before it is merged.",
            severity=None if project.kilobytes > _SMALL else Severity.MEDIUM,
            evidence=Evidence.EXACT,
        )
        return
    if not any(_runs_tests(project, project.tree.text(path) or "", 0) for path in pipelines):
        yield Finding(
            "ci.no-tests",
            Place(pipelines[0]),
            f"{len(pipelines)} pipeline file(s), and none runs a test.",
            evidence=Evidence.EXACT,
            also=tuple(Place(path) for path in pipelines[1:10]),
        )
    yield from _unpinned(project, pipelines)


def _runs_tests(project: Project, text: str, depth: int) -> bool:
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    if RUNS_TESTS.search(text):
        return True
    if depth > _DEEPEST:
        return False
    return any(_runs_tests(project, command, depth + 1) for command in _commands(project, text))


def _commands(project: Project, text: str) -> Iterator[str]:
    """What the scripts and make targets that the text calls consist of."""
    called = {match[1] for match in _SCRIPT.finditer(text)}
    for package in project.packages:
        scripts = package.section("scripts")
        for name in called & scripts.keys():
            if not _EMPTY_TEST.search(scripts[name]):
                yield scripts[name]
                # A script of that name runs tests, whatever the runner is called.
                if name.partition(":")[0] == "test" and scripts[name].strip():
                    yield "vitest"
    if _MAKE.search(text):
        for path in project.named(
            "Makefile", "makefile", "GNUmakefile", "justfile", "Taskfile.yml"
        ):
            yield project.tree.text(path) or ""


def _unpinned(project: Project, pipelines: list[str]) -> Iterator[Finding]:
    places: list[Place] = []
    for path in pipelines:
        text = project.tree.text(path) or ""
        for match in _USES.finditer(text):
            if not re.fullmatch(r"[0-9a-f]{40}", match[2]):
                line = text.count("\n", 0, match.start(1)) + 1
                places.append(Place(path, line, snippet=f"{match[1]}@{match[2]}"))
    if places:
        yield Finding(
            "ci.unpinned-actions",
            places[0],
            f"{len(places)} action(s) by a tag or branch that can be moved, "
            f"such as {places[0].snippet}.",
            evidence=Evidence.EXACT,
            also=tuple(places[1:20]),
        )
