"""A source file as a judge reads it: the enclosing function, where a name comes from, the chain
of calls after a match. By indentation and text: what ast-grep matched is known to be code, and a
second parse of every file would cost more than the scan."""

import posixpath
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate

from ...engine import regex as re
from ...engine.tree import Tree
from ..filenames import is_test
from .scan import Match

TOOLING = re.compile(
    r"(^|/)(scripts?|tools|seeds?|bin|\.github|\.storybook)/|(^|/)[^/]*\bseed[^/]*\.[cm]?[jt]s$"
    r"|\.config\.[cm]?[jt]s$|(^|/)(gulpfile|webpack[^/]*|vite\.[^/]*)\.[cm]?[jt]s$"
    r"|(^|/)(check|debug|migrate|fix|setup|create|test|verify|reset)[-_][^/]*\.[cm]?[jt]s$"
)
_SERVER_PATH = re.compile(
    r"(^|/)(supabase/functions|netlify/functions|server|backend|(src/)?pages/api|app/api"
    r"|cloud-functions)/|^(apps/[^/]+/)?(api|functions|workers?)/|(^|/)route\.[jt]s$"
)
_SERVER_TEXT = re.compile(
    r"""["'](express|fastify|koa|hono|@nestjs/[\w-]+|next/server|node:http|@vercel/postgres|pg"""
    r"""|mysql2?(/promise)?|better-sqlite3|drizzle-orm/[\w-]+|mongoose|@prisma/client|nodemailer"""
    r"""|jsonwebtoken|resend|@sendgrid/mail|twilio|ioredis|bullmq|bcrypt(js)?|(node:)?crypto"""
    r"""|(node:)?fs(/promises)?)["']"""
    r"""|Deno\.(serve|env)|^["']use server["']""",
    re.MULTILINE,
)
_NEXT_PAGE = re.compile(r"(^|/)app/(?:[^/]+/)*(?:page|layout)\.[jt]sx$")
_HEAD = re.compile(
    r"^\s*(?:export\s+)?(?:default\s+)?(?:async\s+)?function\b\s*\*?\s*(?P<function>[\w$]*)"
    r"|^\s*(?:export\s+)?(?:const|let|var)\s+(?P<arrow>[\w$]+)\s*(?::[^=]+)?=\s*"
    r"(?:React\.)?(?:useCallback|useMemo|memo|forwardRef)?[(<]*.*(?:=>|function\b)"
    r"|^\s*(?:module\.)?exports\.(?P<exported>[\w$]+)\s*=\s*(?:\w+\(\s*)?(?:async\s*)?(?:function\b|.*=>)"
    r"|^\s*(?:public |private |protected |static |async |get |set )*(?P<method>[\w$]+)\s*"
    r"\([^;]*\)\s*(?::[^{;=]+)?\{\s*$"
    r"|^\s*(?P<pair>[\w$]+)\s*:\s*(?:async\s*)?(?:function\b|\(?[\w\s,{}:.\[\]=?<>|]*\)?[^=]*=>)"
    r"|^\s*(?:export\s+)?(?:abstract\s+)?class\s+(?P<klass>[\w$]+)"
    r"|^\s*(?P<route>(?:app|router|server|\w+Router|\w+Routes|api|fastify)\."
    r"(?:get|post|put|patch|delete|all|use)\s*\(\s*(?:[\"'`][^\"'`]*|[\w$.]+(?=\s*,)|$))"
)
_CALLBACK = re.compile(r"(?:=>\s*\{|function\s*\([^)]*\)\s*\{)\s*$")
_NO_HEAD = ")]}/*<"
_NOT_METHODS = frozenset({"if", "for", "while", "switch", "catch", "return", "function", "else"})
_OPEN, _CLOSE = "([{", ")]}"
_STEP = re.compile(r"(?:\s|//[^\n]*\n|/\*.*?\*/)*[?!]?\.\s*[\w$]+(?:<[^()]*>)?", re.DOTALL)
_LONGEST_CHAIN = 6000
_WIDEST_HEAD = 400


_EXITS = re.compile(r"^\s*process\.exit\(\s*0?\s*\)", re.MULTILINE)
_SERVES = re.compile(
    r"\.listen\(|\bRouter\(|createServer|^\s*export\s|module\.exports", re.MULTILINE
)


class Source:
    """One file, read when a judge first asks."""

    def __init__(self, tree: Tree, path: str) -> None:
        self.tree = tree
        self.path = path
        self.is_test = is_test(path)
        self.is_tooling = bool(TOOLING.search(path))
        self.matches: dict[str, list[Match]] = defaultdict(list)

    @cached_property
    def text(self) -> str:
        return (self.tree.text(self.path) or "").replace("\r\n", "\n")

    @cached_property
    def ends_itself(self) -> bool:
        """Whether it is a program that somebody runs, which does its work and is over."""
        return bool(_EXITS.search(self.text)) and not _SERVES.search(self.text)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((len(line) + 1 for line in self.lines), initial=0))[:-1]

    @cached_property
    def is_server(self) -> bool:
        """Does it run where a visitor can't change it?"""
        if _SERVER_PATH.search(self.path):
            return True
        return not self.path.endswith("x") and bool(_SERVER_TEXT.search(self.text))

    @cached_property
    def is_page_of_server(self) -> bool:
        """A page that Next.js makes on the server: only there may a component be asynchronous."""
        makes = re.search(r"^export\s+default\s+async\b", self.text, re.MULTILINE)
        return makes is not None and _NEXT_PAGE.search(self.path) is not None

    def line(self, number: int) -> str:
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def offset(self, line: int, column: int = 0) -> int:
        return self._starts[line - 1] + column if 0 < line <= len(self._starts) else 0

    def line_of(self, pattern: re.Pattern[str], first: int, last: int) -> int:
        """The first line from `first` to `last` that fits; 0 for none."""
        for number in range(first, min(last, len(self.lines)) + 1):
            if pattern.search(self.lines[number - 1]):
                return number
        return 0

    def block(self, line: int) -> tuple[int, int]:
        """The lines of the innermost function around a line; the whole file outside of any."""
        for number, _ in self._heads(line):
            end = self._end(number)
            if end >= line:
                return number, end
        return 1, len(self.lines)

    def named_block(self, line: int) -> tuple[int, int]:
        """As `block`, passing over anonymous callbacks."""
        for number, name in self._heads(line):
            if name and (end := self._end(number)) >= line:
                return number, end
        return 1, len(self.lines)

    def between(self, first: int, last: int) -> str:
        return "\n".join(self.lines[first - 1 : last])

    def around(self, line: int) -> str:
        """The text of the innermost function around a line."""
        return self.between(*self.named_block(line))

    def symbol(self, line: int) -> str:
        names = [name for number, name in self._heads(line) if name and self._end(number) >= line]
        return ".".join(reversed(names))

    def _heads(self, line: int) -> Iterator[tuple[int, str]]:
        """The line itself and those that hold it, as far as they begin a function, inmost first,
        with the name of each."""
        number = min(line, len(self.lines))
        while number > 0:
            if (name := self._begins(number)) is not None:
                yield number, name
            number = self._parents[number]

    def _begins(self, number: int) -> str | None:
        if number not in self._names:
            text = self.lines[number - 1]
            # Nobody's function begins with a line this wide; a hostile one would take hours.
            head = "" if len(text) > _WIDEST_HEAD else text
            found = None if head.lstrip()[:1] in _NO_HEAD else _HEAD.match(head)
            found = found or _CALLBACK.search(head)
            self._names[number] = _name(found) if found else None
        return self._names[number]

    @cached_property
    def _names(self) -> dict[int, str | None]:
        return {}

    @cached_property
    def _parents(self) -> list[int]:
        """For each line the nearest above it that is indented less; 0 for none."""
        parents = [0]
        stack: list[tuple[int, int]] = []
        for number, text in enumerate(self.lines, 1):
            stripped = text.lstrip()
            depth = len(text) - len(stripped)
            closes = not stripped or stripped[0] in _NO_HEAD
            if closes:
                parents.append(next((at for under, at in reversed(stack) if under < depth), 0))
                continue
            while stack and stack[-1][0] >= depth:
                stack.pop()
            parents.append(stack[-1][1] if stack else 0)
            stack.append((depth, number))
        return parents

    @cached_property
    def _ends(self) -> dict[int, int]:
        return {}

    def _end(self, head: int) -> int:
        if head not in self._ends:
            self._ends[head] = self._find_end(head)
        return self._ends[head]

    def _find_end(self, head: int) -> int:
        text = self.lines[head - 1]
        depth = len(text) - len(text.lstrip())
        for number in range(head + 1, len(self.lines) + 1):
            line = self.lines[number - 1]
            stripped = line.lstrip()
            if not stripped or (under := len(line) - len(stripped)) > depth:
                continue
            if stripped[0] in _CLOSE:
                if not stripped.startswith((")", "}")) or "{" not in stripped:
                    return number
            elif under < depth:
                return number - 1
        return len(self.lines)

    def has(self, pattern: re.Pattern[str]) -> bool:
        """Is it anywhere in the file? Asked once."""
        if pattern not in self._asked:
            self._asked[pattern] = bool(pattern.search(self.text))
        return self._asked[pattern]

    @cached_property
    def _asked(self) -> dict[re.Pattern[str], bool]:
        return {}

    def chain_after(self, line: int, column: int) -> str:
        """What is called on a match's value: `.eq(…).limit(5)`, from the place where it ends."""
        text, at = self.text, self.offset(line, column)
        end = at
        limit = min(len(text), at + _LONGEST_CHAIN)
        while end < limit:
            step = _STEP.match(text, end, limit)
            if step is None:
                break
            end = step.end()
            if end < limit and text[end] == "(":
                end = closing(text, end, limit)
        return text[at:end]

    def assigned(self, line: int) -> str:
        """The name to which the statement at a line assigns, or nothing."""
        for number in range(line, max(0, line - 4), -1):
            text = self.line(number)
            if re.match(r"\s*for\b", text):
                return ""
            found = re.search(r"(?:const|let|var)\s+([\w$]+)\s*(?::[^=]+)?=(?!=)", text)
            found = found or re.match(r"\s*([\w$.\[\]]+)\s*\+?=(?!=|>)", text)
            if found:
                return found[1]
            if number != line and text.rstrip().endswith((";", "{", "}")):
                return ""
        return ""

    def definition(self, name: str, line: int = 0) -> str:
        """The text that gives a name its value: nearest above the line, else an import."""
        escaped = re.escape(name)
        wanted = re.compile(
            rf"(?:const|let|var)\s+{escaped}\b\s*(?::[^=\n]+)?=|function\s+{escaped}\b"
            rf"|(?:const|let|var)\s+[\[{{][^=]*?\b{escaped}\b[^=]*?[\]}}]\s*(?::[^=\n]+)?="
        )
        text = self.text
        found = list(wanted.finditer(text))
        if not found:
            return self._imported(name)
        limit = self.offset(line, 0) if line else len(text)
        before = [one for one in found if one.start() <= limit] or found
        number = text.count("\n", 0, before[-1].start()) + 1
        return self._statement(number, before[-1].start())

    def _statement(self, line: int, start: int) -> str:
        """From an offset to where the statement's indentation returns, at most 60 lines."""
        depth = len(self.lines[line - 1]) - len(self.lines[line - 1].lstrip())
        last = line
        opened = self.lines[line - 1].rstrip()
        if opened.endswith((";", "`;")):
            return self.text[start : self.offset(line) + len(opened)]
        for number in range(line + 1, min(line + 60, len(self.lines)) + 1):
            text = self.lines[number - 1]
            stripped = text.lstrip()
            if stripped and len(text) - len(stripped) <= depth:
                last = number if stripped[0] in _CLOSE + "`." else last
                break
            last = number
        return self.text[start : self.offset(last) + len(self.lines[last - 1])]

    def _imported(self, name: str) -> str:
        found = re.search(
            rf"import\s[^;]*?\b{re.escape(name)}\b[^;]*?from\s*[\"']([^\"']+)[\"']", self.text
        )
        if not found:
            return ""
        target = resolve(self.tree, self.path, found[1])
        if target is None or target == self.path:
            return ""
        return Source(self.tree, target).exported(name)

    def exported(self, name: str) -> str:
        wanted = re.compile(rf"(?:const|let|var|function)\s+{re.escape(name)}\b")
        found = wanted.search(self.text)
        if not found:
            return ""
        return self._statement(self.text.count("\n", 0, found.start()) + 1, found.start())


def _name(found: re.Match[str]) -> str | None:
    """The name of what a line begins, empty for a callback, None for what is no function."""
    groups = found.groupdict()
    for group in ("function", "arrow", "exported", "method", "pair", "klass", "route"):
        if name := groups.get(group):
            return None if name in _NOT_METHODS else re.sub(r"\s+", "", name)
    return ""


def closing(text: str, at: int, limit: int) -> int:
    """Just after the bracket that closes the one at `at`, passing over strings."""
    depth = 0
    while at < limit:
        char = text[at]
        if char in "\"'`":
            at = _after_string(text, at, limit)
            continue
        if char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return limit


def _after_string(text: str, at: int, limit: int) -> int:
    quote = text[at]
    at += 1
    while at < limit and text[at] != quote:
        if text[at] == "\n" and quote != "`":
            break
        at += 2 if text[at] == "\\" else 1
    return at + 1


def resolve(tree: Tree, path: str, target: str) -> str | None:
    """The file of the tree that an import names, for relative paths and the usual `@/`."""
    if target.startswith("."):
        bases = [posixpath.normpath(posixpath.join(posixpath.dirname(path), target))]
    elif target.startswith(("@/", "~/")):
        prefix = path.partition("src/")[0] if "src/" in path else ""
        bases = [f"{prefix}src/{target[2:]}", f"{prefix}{target[2:]}", f"client/src/{target[2:]}"]
    else:
        return None
    endings = ("", ".ts", ".tsx", ".js", ".jsx", "/index.ts", "/index.tsx", "/index.js")
    for base in bases:
        stem = re.sub(r"\.js$", "", base)
        for candidate in (base + ending for ending in endings):
            if candidate in tree.present:
                return candidate
        if f"{stem}.ts" in tree.present:
            return f"{stem}.ts"
    return None
