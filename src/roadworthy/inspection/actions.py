"""What to do next: the few steps that lift the most, the surest and quickest first among equals."""

from collections.abc import Iterable, Mapping

from .faults import beside
from .model import Action, Issue, Place, Rule, Severity

MOST = 3

_QUICKEST = ("minutes", "hours", "days")
_SURE = {"executed", "exact"}
_SHOWN_PLACES = 5


def actions_of(issues: Iterable[Issue], rules: Mapping[str, Rule]) -> tuple[Action, ...]:
    """One action mends all that one rule found; a rule of a worse fault comes first."""
    by_rule: dict[str, list[Issue]] = {}
    for issue in issues:
        if issue.severity >= Severity.LOW:
            by_rule.setdefault(issue.rule, []).append(issue)
    drafts = [
        (_doubted(found), -rules[rule].severity, _action(rules[rule], found))
        for rule, found in by_rule.items()
    ]
    chosen: list[Action] = []
    for *_, action in sorted(drafts, key=_order):
        done = [place for other in chosen for place in other.places]
        if len(chosen) < MOST and not beside(action.places, done):
            chosen.append(action)
    return tuple(chosen)


def _action(rule: Rule, issues: list[Issue]) -> Action:
    places: list[Place] = [place for issue in issues for place in issue.places[: issue.count]]
    return Action(
        title=_first_sentence(rule.mend) or rule.title,
        fault=rule.title,
        effort=rule.effort,
        rule=rule.id,
        severity=max(issue.severity for issue in issues),
        places=tuple(places[:_SHOWN_PLACES]),
        count=sum(issue.count for issue in issues),
        each=rule.grouping == "place" and len(issues) > 1,
        about=tuple(dict.fromkeys(issue.about for issue in issues if issue.about)),
    )


def _doubted(issues: list[Issue]) -> bool:
    """Nothing was executed or stands in the tree: a person should first read the code."""
    worst = max(issue.severity for issue in issues)
    return not any(it.evidence in _SURE for it in issues if it.severity is worst)


def _order(draft: tuple[bool, int, Action]) -> tuple[int, bool, int, int, int, str]:
    doubted, nature, action = draft
    effort = _QUICKEST.index(action.effort) if action.effort in _QUICKEST else len(_QUICKEST)
    return -action.severity, doubted, nature, effort, -action.count, action.rule


def _first_sentence(text: str) -> str:
    flat = " ".join(text.split())
    head, stop, _ = flat.partition(". ")
    return head + "." * bool(stop)
