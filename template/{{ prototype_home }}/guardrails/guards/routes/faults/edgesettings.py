"""What the settings of Supabase's edge functions say that its CLI refuses."""

import re
from collections.abc import Iterator

from ....engine.finding import Evidence, Finding, Place
from ..facts.platforms import EdgeProject
from .say import LOW, MEDIUM, finding

_CONFIG_KEYS = {"enabled", "verify_jwt", "import_map", "entrypoint", "static_files", "env"}


def config(project: EdgeProject) -> Iterator[Finding]:
    yield from _twice(project)
    function = ""
    for number, line in enumerate(project.text.splitlines(), 1):
        if header := re.match(r"\s*\[([\w-]+)(?:\.['\"]?([\w-]+))?", line):
            function = header[2] or "" if header[1] == "functions" else ""
        key = re.match(r"\s*([\w-]+)\s*=", line)
        if key and function and key[1] not in _CONFIG_KEYS:
            yield finding(
                "edge-fn.config-invalid",
                Place(project.path, number, number, line.strip(), function),
                f"{key[1]} is no setting of a function: the CLI refuses or ignores it for "
                f"{function}",
                LOW,
                (),
                Evidence.EXACT,
            )


def _twice(project: EdgeProject) -> Iterator[Finding]:
    """A setting that stands twice in one table: then nothing of the file is read."""
    table, seen = "", set[str]()
    for number, line in enumerate(project.text.splitlines(), 1):
        if line.lstrip().startswith("["):
            table, seen = line.strip(), set()
        key = re.match(r"([A-Za-z][\w-]*)\s*=", line)
        if key and key[1] in seen:
            yield finding(
                "edge-fn.config-invalid",
                Place(project.path, number, number, line.strip(), table),
                f"{key[1]} stands twice in {table or 'the file'}: the CLI refuses the whole file",
                MEDIUM,
                (),
                Evidence.EXACT,
            )
        seen |= {key[1]} if key else set()
