"""Checks that are commented out: the routes behind them ask nobody."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ....engine.finding import Finding
from ..facts.access import Case
from ..facts.middleware import Access
from ..facts.signs import GUARD_NAME, NO_GUARD_NAME
from ..facts.source import Module
from .say import at_route, finding, place

_DISABLED_USE = re.compile(
    r"^//+\s*(?:@UseGuards\(|\w*(?:[rR]outer|app|server|fastify"
    r"|api)\w*\.use\(\s*(?:['\"`][^'\"`]*['\"`]\s*,\s*)?)(.*)"
)
_ROUTER = re.compile(r"[rR]out(?:es?|er)s?\b|/routes?/")
"""What is mounted answers requests; it asks nobody, whatever it is named after."""
_DISABLED_LINE = re.compile(
    r"^//+\s*(?:const\b[^;]*(?:getUser|(?<!storage\.)(?<!store\.)getSession|getServerSession|\bauth\(\)|verifyToken"
    r"|jwt\.verify|requireAuth|currentUser)"
    r"|if\s*\(\s*!\s*(?:user|session|userId|token|req\.user|isAdmin|isAuthenticated)\b"
    r"|(?:await\s+)?(?:requireAuth|requireUser|requireAdmin|authenticate|verifyAuth)\w*\()"
)


def disabled(cases: list[Case]) -> Iterator[Finding]:
    files: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        files[case.route.module.path].append(case)
    for of_file in files.values():
        module = of_file[0].route.module
        public = [case for case in of_file if case.access is Access.PUBLIC]
        for comment in module.comments:
            text = module.text[comment.start : comment.end]
            code = _switched_off(module, comment.start, text, public)
            below = _PREFIX.match(text)
            free = [one for one in public if not below or one.route.path.startswith(below[1])]
            if code and free:
                message = (
                    f"The check {code} is commented out: {_names(free)} "
                    f"ask{'s' if len(free) == 1 else ''} nobody"
                )
                also = [at_route(case) for case in free]
                yield finding(
                    "authz.disabled", place(module, comment.start, code), message, also=also
                )
                break


_PREFIX = re.compile(r"^//+\s*\w+\.use\(\s*['\"`](/[^'\"`]+)['\"`]")


def _switched_off(module: Module, at: int, text: str, public: list[Case]) -> str:
    if match := _DISABLED_USE.match(text):
        name = match[1].strip().rstrip(";").removesuffix(")")
        return name[:60] if _guards(name) and not _ROUTER.search(name) else ""
    inline = re.fullmatch(
        r"/\*\s*([\w$.,\s()'\"]{3,60}?),?\s*\*/|//\s*([\w$.]+(?:\([^()]*\))?),\s*", text
    )
    if inline and _guards(name := (inline[1] or inline[2]).strip().rstrip(",")):
        near = [
            case
            for case in public
            if 0 <= at - case.route.at < 300 or abs(module.line(at) - case.route.line) <= 3
        ]
        return name if near and case_is_list(module, at) else ""
    if _DISABLED_LINE.match(text) and any(
        piece.module is module and piece.start <= at < piece.end
        for case in public
        for piece in case.pieces
    ):
        return text.lstrip("/ ")[:60]
    return ""


def case_is_list(module: Module, at: int) -> bool:
    """Whether the comment stands between the arguments of a call, not behind a statement."""
    before = module.code[max(0, at - 200) : at].rstrip()
    return before.endswith((",", "(", "["))


def _guards(name: str) -> bool:
    return bool(GUARD_NAME.search(name)) and not NO_GUARD_NAME.search(name) and "//" not in name


def _names(cases: list[Case]) -> str:
    names = [case.route.label for case in cases]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
