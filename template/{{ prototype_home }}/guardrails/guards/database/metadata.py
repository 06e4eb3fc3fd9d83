"""What users write about themselves, and policies believe: `user_metadata`, in a policy's own words
or in those of a function that it asks."""

import re
from collections.abc import Iterator

from ...engine.finding import Evidence, Finding, Severity
from .functions import place
from .relations import Function, Policy, Table
from .scene import Scene

_OF_THEIR_OWN = re.compile(r"(?<!raw_)user_metadata|raw_user_meta_data")
_RULES = re.compile(r"admin|staff|role|super|owner|manager", re.IGNORECASE)


def find(scene: Scene) -> Iterator[Finding]:
    for table in scene.relations.tables.values():
        for policy in table.policies if table.row_security else ():
            if "user_metadata" in policy.using + policy.check:
                yield Finding(
                    "rls.user-metadata",
                    scene.policy_places(table, [policy])[0],
                    f"Policy “{policy.name}” on `{table.name}` trusts user_metadata, which users "
                    "write themselves.",
                    evidence=Evidence.EXACT,
                )
    for function in scene.relations.functions:
        if function.returns == "boolean" and _OF_THEIR_OWN.search(function.body):
            yield from _asked(scene, function)


def _asked(scene: Scene, function: Function) -> Iterator[Finding]:
    """A function that says who may, and asks whoever wants to."""
    asking = list(_policies(scene, function))
    if asking:
        tables = ", ".join(dict.fromkeys(f"`{table.name}`" for table, _ in asking[:4]))
        places = [scene.policy_places(table, [policy])[0] for table, policy in asking]
        yield Finding(
            "rls.user-metadata",
            place(scene, function),
            f"`{function.name}`, which the policies of {tables} ask, trusts user_metadata, which "
            "users write themselves.",
            Severity.CRITICAL if _RULES.search(function.name) else None,
            Evidence.EXACT,
            also=tuple(dict.fromkeys(places))[:20],
        )


def _policies(scene: Scene, function: Function) -> Iterator[tuple[Table, Policy]]:
    called = re.compile(rf"(?<!\w){re.escape(function.name)}\(")
    for table in scene.relations.tables.values():
        for policy in table.policies if table.row_security else ():
            if called.search(policy.using + policy.check):
                yield table, policy
