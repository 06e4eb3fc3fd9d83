"""Judges of what comes in: HTML, SQL, filters, commands, addresses, files, unchecked bodies."""

from ...engine import regex as re
from ...engine.finding import Severity
from .case import Case, Judge, from_request, interpolations, last_name

_SANITISER = re.compile(
    r"sanitiz|sanitis|purify|escape_?html|escapehtml|\bescape\w*\(|\besc(?-i:[A-Z_]\w*)?\("
    r"|\bxss\(|encodeURI|&lt;|textContent|\bhtmlEscape|stripTags|JSON\.stringify|katex|hljs|highlight|shiki|prism"
    r"|\bqrcode|toSVG|mermaid|\bt\(\s*['\"]|i18n",
    re.IGNORECASE,
)
_LITERAL = re.compile(r"""^\s*(?:"[^"]*"|'[^']*'|`[^`$]*`|\d[\d.]*|)\s*$""", re.DOTALL)
_CONTENT = re.compile(
    r"\.(\w*content\w*|\w*html\w*|body|description|bio|text|message|excerpt|notes?|comments?|"
    r"answer|summary|title|name|value)\b",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"^\s*(?:[\w.$]+\.(?:length|toFixed\([^)]*\)|toLocale\w+\([^)]*\))|(?:Math|Number|parse)\b.*"
    r"|[A-Z][A-Z0-9_]+|\w*[iI]cons?\b.*|\w*[cC]olou?rs?\b.*|\w*(?:[wW]idth|[hH]eight|[iI]ndex"
    r"|[cC]ount)"
    r"|i|idx|new Date\(.*|format\w*\(.*)\s*$",
    re.DOTALL,
)


_CONCATENATED = re.compile(r"^\s*[\"'][^\"']*[\"']\s*\+|\+\s*[\"'][^\"']*[\"']\s*$")


def _inner(text: str) -> str:
    """The value of `__html:` in an attribute, or the whole."""
    found = re.search(r"__html\s*:\s*(.*?)\s*,?\s*\}\s*\}?\s*$", text, re.DOTALL)
    return found[1] if found else text


def sanitised(case: Case, expression: str, depth: int = 0) -> bool:
    if _SANITISER.search(expression) or _LITERAL.match(expression):
        return True
    if depth == 3:
        return False
    called = re.match(r"\s*(?:await\s+)?([\w$]+)\s*(?:\(|$|\?\?|\|\|)", expression)
    if not called:
        return False
    definition = case.source.definition(called[1], case.match.line)
    if not definition:
        return bool(re.fullmatch(r"\s*[A-Z][A-Z0-9_]+\s*", expression))
    if "useState" in definition[:200]:
        return False
    value = definition.partition("=")[2].strip().rstrip(";")
    return bool(_SANITISER.search(definition)) or sanitised(case, value, depth + 1)


def _static(case: Case, expression: str) -> bool:
    """Does it come out of a list that stands in the source?"""
    name = re.match(r"\s*([A-Za-z_$][\w$]*)", expression)
    for _ in range(4):
        if name is None:
            return False
        loop = rf"\.\s*(?:map|forEach|find)\(\s*\(?\s*{re.escape(name[1])}\b"
        # What is looped over is tried from each of its letters, so it is looked for second.
        looped = re.search(loop, case.source.text) and re.search(
            rf"([\w$]+)[\w$.?!]*\s*\??{loop}", case.source.text
        )
        if looped:
            name = looped
            continue
        value = case.source.definition(name[1], case.match.line).partition("=")[2].lstrip()
        if value.startswith(("[", "{")) and not re.search(r"\bprops\b|await|\buse[A-Z]", value):
            return True
        name = re.match(r"([A-Za-z_$][\w$]*)\s*[\[.;\n]", value)
    return False


_OF_ANYBODY = re.compile(
    r"comment|message|msg|(?<!p)review|\bbio|repl(?:y|ies)|feedback|chat|testimonial|inquir|enquir"
    r"|response|answer|ticket|notes?\b|searchParams|location\.|prompt|applica|profile",
    re.IGNORECASE,
)
"""What visitors, senders and models write; the rest may only ever come from an editor."""


def unsanitised_html(case: Case) -> Case | None:
    """HTML from a value that nobody sanitised on the way, as far as one can see."""
    expression = _inner(case.name("HTML") or case.match.text)
    before = case.source.text[
        max(0, case.source.offset(case.match.line, case.match.column) - 300) :
    ][:300]
    tag = before.rpartition("<")[2]
    if tag.startswith(("style", "script")) or ".innerHTML" in expression:
        return None
    built = "`" in expression or _CONCATENATED.search(expression) is not None
    parts = [value for _, value in interpolations(expression)] or [expression]
    risky = [part for part in parts if not _HARMLESS.match(part) and not sanitised(case, part)]
    if not risky if built else sanitised(case, expression):
        return None
    shown = risky[0] if built else expression
    if _static(case, shown):
        return None
    made_here = re.search(r"[a-z]\w*\(\s*\)$", shown.strip()) is not None
    known = _CONTENT.search(shown) is not None and _OF_ANYBODY.search(shown) is not None
    if not case.source.is_server and (own := _typed_here(case, shown)):
        return case.but(severity=own, HTML=shown)
    if built or made_here or not known or case.source.is_server:
        return case.but(severity=Severity.MEDIUM, HTML=shown)
    return case.but(HTML=shown)


_AS_TYPED = re.compile(r"target\.value|=>|\bprev\b|^\s*(?:['\"`]{2}|null)?\s*$")


def _typed_here(case: Case, shown: str) -> Severity | None:
    """A preview: what the visitor types in the same component, before anybody else sees it."""
    plain = re.match(
        r"\s*([A-Za-z_$][\w$]*)((?:\??\.[\w$]+)*?)(?=\s*(?:\.\w+\(|\|\||\?\?|$))", shown
    )
    if plain is None:
        return None
    text = case.source.text
    state = re.search(rf"\[\s*{re.escape(plain[1])}\s*,\s*(set\w+)\s*\]\s*=\s*[\w.]*useState", text)
    field = re.escape(plain[1] + plain[2])
    typed = re.search(rf"\b(?:value|defaultValue)=\{{\s*{field}\s*(?:\}}|\|\||\?\?)", text)
    edited = re.search(
        rf"(?:Editor|Quill)\b[^;]{{0,200}}?\b(?:content|data|html)=\{{\s*{field}\b", text
    )
    if state is None or not (typed or edited):
        return None
    given = re.findall(rf"\b{state[1]}\(([^;\n]*)", text)
    loaded = any(not _AS_TYPED.search(one.rstrip(")} ,")) for one in given)
    return Severity.MEDIUM if loaded else Severity.LOW


_SQL = re.compile(
    r"\b(select\b.{1,400}?\bfrom|insert\s+into|update\b.{1,200}?\bset|delete\s+from|alter\s+table|"
    r"create\s+(table|user|database|schema)|drop\s+\w+|where)\b",
    re.IGNORECASE | re.DOTALL,
)
_CLAUSE = re.compile(
    r"^[\w$.]*?(column|field|table|where|set|placeholder|order|sort|clause|limit|offset|update"
    r"|join|"
    r"param|condition|filter|condition|values|schema|query|sql|select|index|interval|days"
    r"|name)s?\w*"
    r"(\.join\(.*\))?$|\.join\(|^\$|\.length|^[A-Z_]+$|^\d",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"(=|<|>|\bin\s*\(|\blike|\bvalues\s*\(|,)\s*$", re.IGNORECASE)


_TAGGED = re.compile(r"=\s*(?:await\s+)?(?:\w+\.)?sql\s*(?:<[^`]*>)?\s*`")
"""A tagged template sends its values as parameters."""


def string_built_sql(case: Case) -> Case | None:
    """A value, not an identifier or a list of placeholders, becomes part of the statement."""
    text = case.name("SQL") or case.match.text
    if re.fullmatch(r"[\w$]+", text.strip()):
        text = case.source.definition(text.strip(), case.match.line)
    if not _SQL.search(text) or _TAGGED.search(text):
        return None
    worst: tuple[Severity, str] | None = None
    for before, value in interpolations(text):
        severity = _sql_value(case, before, value)
        if severity and (worst is None or severity > worst[0]):
            worst = (severity, value)
    return case.but(severity=worst[0], VALUE=worst[1]) if worst else None


def _sql_value(case: Case, before: str, value: str) -> Severity | None:
    quoted = before.rstrip("%").endswith(("'", '"')) and not before.endswith(('""', "''"))
    direct = from_request(case, value)
    if direct and case.source.is_server:
        return Severity.HIGH if not re.search(r"Number\(|parseInt|parseFloat", value) else None
    if _CLAUSE.search(value) or re.search(r"Number\(|parseInt|escape|\?\s*['\"`]", value):
        return None
    if quoted and not before.endswith('"'):
        return Severity.MEDIUM
    return Severity.MEDIUM if _COMPARED.search(before) else None


def command_injection(case: Case) -> Case | None:
    """A shell gets a string with values in it."""
    if "child_process" not in case.source.text:
        return None
    values = [value for _, value in interpolations(case.name("COMMAND"))]
    if not values:
        return None
    sent = next((value for value in values if from_request(case, value)), "")
    severity = Severity.CRITICAL if sent and case.source.is_server else Severity.MEDIUM
    return case.but(severity=severity, VALUE=sent or values[0])


_ALLOWED = re.compile(
    r"allow\w*(hosts?|domains?|origins?|urls?)|hostname\s*(===|!==)|\.hostname\.endsWith|isAllowed"
    r"|isValid\w*(Url|Host)|validate\w*Url|isPrivate|isInternal|isSafe\w*Url|assert\w*Url"
    r"|\.startsWith\(\s*[\"'`]https?://\w"
    r"|\.(?:includes|has|some|test)\(\s*[\w.]*\b(?:hostname|host|origin)\b",
    re.IGNORECASE,
)
_WRAPPED = re.compile(
    r"(?:new\s+URL|decodeURIComponent|decodeURI|String)\(\s*([\w$.?!]+)\s*(?:as\s+string\s*)?\)"
)
"""What is done to an address before it is fetched, and leaves it the caller's."""


def fetch_of_request_url(case: Case) -> Case | None:
    """The server fetches an address that the caller chose."""
    url = _WRAPPED.sub(r"\1", case.name("URL").strip()).removesuffix(".toString()")
    url = re.sub(r"\s+as\s+string$|\.href$", "", url)
    if not re.fullmatch(r"[\w$.?!]+|`\$\{[\w$.?]+\}.*`", url, re.DOTALL):
        return None
    root = re.sub(r"^`\$\{|\}.*`$", "", url, flags=re.DOTALL)
    if not re.search(r"url|uri|link|href|endpoint|webhook|target|src|image", root, re.IGNORECASE):
        return None
    if re.search(r"\burl\.(href|toString)|^(req|request)\.url$|[uU]rl\.(origin|host)$", root):
        return None
    if not from_request(case, root) or _ALLOWED.search(case.around) or _fixed_host(case, root):
        return None
    return case.but(URL=root)


_BEHIND = re.compile(r"(?:new\s+URL\(\s*)?`\$\{([A-Z][A-Z0-9_]+)\}(?:[/?#]|`)")
"""`${API_BASE}/sets?${query}`"""


def _fixed_host(case: Case, name: str) -> bool:
    """What is in the request comes behind a host that stands in the code."""
    definition = case.source.definition(name, case.match.line) if name.isidentifier() else ""
    value = definition.partition("=")[2].strip()
    if behind := _BEHIND.match(value):
        known = case.source.definition(behind[1], case.match.line).partition("=")[2]
        return not from_request(case, behind[1]) and "http" in known
    return re.match(r"(?:new\s+URL\(\s*)?[\"'`](?:https?:)?//[\w.:-]+[/?#\"'`]", value) is not None


_CONFINED = re.compile(
    r"basename\(|startsWith\(|relative\(|includes\(\s*[\"'`]\.\.|sanitiz|\broot\s*:|isSafe|isValid"
    r"|allowed|\.find\(|\.test\(|\.match\(|parseInt|Number\(|\.has\(",
    re.IGNORECASE,
)


def path_of_request(case: Case) -> Case | None:
    """A name that the caller sent becomes part of a path, and nothing keeps it in its folder."""
    for piece in _parts_of_path(case, case.name("PATH").strip()):
        named = re.fullmatch(r"[\w$.?!]+(?:\[[\"']\w+[\"']\])?", piece)
        if not named or not _NAMES_A_FILE.search(piece):
            continue
        if _CONFINED.search(_SAID.sub("", case.above + case.match.text)) or _approved(case, piece):
            continue
        if from_request(case, piece) or _OF_A_FORM.match(_defined(case, piece)):
            return case.but(PATH=piece)
    return None


_NAMES_A_FILE = re.compile(
    r"file|path|name|folder|image|doc|(?<!\.)\b(?:\w+Id|\w+Index)$", re.IGNORECASE
)
"""An id that is a name of its own: of `user.id` the store says what it looks like."""
_SAID = re.compile(r"(?m)^\s*console\.\w+\(.*$")
_OF_A_FORM = re.compile(r"\s*(?:await\s+)?\w*[fF]orm\w*\.get\(")


def _parts_of_path(case: Case, path: str, depth: int = 0) -> list[str]:
    """What a path is joined of, and what that is joined of in turn."""
    if path.isidentifier():
        path = _defined(case, path) or path
    joined = re.match(r"(?:path\.)?(?:join|resolve)\((.*)\)", path, re.DOTALL)
    pieces = joined[1].split(",") if joined else [value for _, value in interpolations(path)]
    parts = [it.strip() for it in pieces] or [path]
    if not joined or depth:
        return parts
    inner = [one for it in parts for _, one in interpolations(it)]
    return [
        *parts,
        *(one.strip() for one in inner),
        *(one for it in parts if it.isidentifier() for one in _parts_of_path(case, it, 1)),
    ]


def _defined(case: Case, name: str) -> str:
    if not name.isidentifier():
        return ""
    return case.source.definition(name, case.match.line).partition("=")[2].strip()


_APPROVES = re.compile(
    r"\s*(?:await\s+)?[\w$.]*(?:valid|sanit|safe|secure|confin)\w*\(", re.IGNORECASE
)


def _approved(case: Case, piece: str) -> bool:
    """Whether it is what a function of that purpose gave back: `const place = safePlace(name)`."""
    root = re.match(r"[\w$]+", piece)
    value = case.source.definition(root[0], case.match.line).partition("=")[2] if root else ""
    return _APPROVES.match(value) is not None


_VALIDATES = re.compile(
    r"safeParse|\.parse\(|\bzod\b|\byup\b|\bjoi\b|validator|ajv|superstruct|valibot|typebox"
    r"|class-validator"
    r"|express-validator|z\.object|typeof\s+\w|Number\.is|isNaN|schema\b",
    re.IGNORECASE,
)
_WRITES = re.compile(
    r"\.(insert|upsert|update|create|insertMany|insertOne|findByIdAndUpdate|findOneAndUpdate|save|"
    r"updateOne)\(|\binsert\s+into\b|\bupdate\s+\w+\s+set\b",
    re.IGNORECASE,
)


def unvalidated_body(case: Case) -> Case | None:
    """A body goes into a write, and nothing in the file looks at its types."""
    source = case.source
    if _VALIDATES.search(source.around(case.match.line)) or not _WRITES.search(case.below):
        return None
    if re.search(
        r"express-validator|celebrate|zod-express|validateRequest|validateBody", source.text
    ):
        return None
    return case


def system_prompt(case: Case) -> Case | None:
    """Text of a user inside the instructions of the model."""
    for _, value in interpolations(case.match.text):
        if from_request(case, value) and not re.search(r"\b\w*(id|Id|lang\w*|locale)\b$", value):
            return case.but(VALUE=value)
    return None


def evaluated(case: Case) -> Case | None:
    """eval or new Function of something that is not a literal."""
    code = case.name("CODE")
    if _LITERAL.match(code) or not code:
        return None
    sent = case.source.is_server and from_request(case, code)
    return case.but(severity=Severity.CRITICAL if sent else Severity.MEDIUM, CODE=last_name(code))


_WHOSE_ROLE = re.compile(
    r"\brole\s*[!=]==?\s*[\"']|[\"']\s*[!=]==?\s*\w+\??\.role\b|\brole\s*:\s*(?:[\"']user[\"']|\w[\w.]*\s*[!=]==)"
    r"|\.includes\(\s*\w+\??\.role|enum\(\s*\[\s*[\"']user"
)


def sent_messages(case: Case) -> Case | None:
    """`[{ role: "system", … }, ...messages]`, and what role each message has the request says."""
    named = re.findall(r"(?<![\w$.])[A-Za-z_$][\w$]*", case.match.text.removeprefix("..."))
    sent = next((one for one in named if from_request(case, one)), "")
    if not sent or _WHOSE_ROLE.search(case.source.around(case.match.line)):
        return None
    return case.but(VALUE=sent)


JUDGES: dict[str, Judge] = {
    "unsanitised-html": unsanitised_html,
    "string-built-sql": string_built_sql,
    "command-injection": command_injection,
    "fetch-of-request-url": fetch_of_request_url,
    "path-of-request": path_of_request,
    "unvalidated-body": unvalidated_body,
    "system-prompt": system_prompt,
    "sent-messages": sent_messages,
    "evaluated": evaluated,
}
