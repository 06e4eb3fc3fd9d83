"""Judges of what only pretends: payments with a delay, invented people, roles that users write."""

from ...engine import regex as re
from ...engine.finding import Severity
from ..everybody import EVERYBODY
from .case import Case, Judge, last_name
from .judges_secrets import left_over
from .unused import unused

_PRETENDS = re.compile(
    r"simulat|\bmock|\bfake|\bdummy|\bsimula|\bdemo\b|placeholder", re.IGNORECASE
)
_PAYING = re.compile(
    r"payment|\bpay\b|\bcard\b|checkout|pagamento|\bpago\b|purchase|charge", re.IGNORECASE
)
_COMMENT = re.compile(r"^\s*(?://|\*|/\*|\{/\*)|//")
_SUCCEEDS = re.compile(
    r"success|paid|complet|confirm|approv|accept|status|order|thank|receipt|\bset[A-Z]\w*\(|navigate\("
    r"|push\(|resolve\(|toast|\bon[A-Z]\w*\(|sucesso|exito|return\b",
    re.IGNORECASE,
)
_ASKS_PROVIDER = re.compile(
    r"stripe|paypal|razorpay|paystack|mercado|mollie|square|flutterwave|xendit|midtrans"
)


def simulated_payment(case: Case) -> Case | None:
    """A pause stands where a payment provider should be asked."""
    source, line = case.source, case.match.line
    near = [source.line(number) for number in range(max(1, line - 3), line + 1)]
    said = " ".join(text for text in near if _COMMENT.search(text))
    if not _PRETENDS.search(said) or not _PAYING.search(said):
        return None
    last = source.named_block(line)[1]
    after = source.between(line + 1, min(last, case.match.end_line + 15))
    if not _SUCCEEDS.search(after) or unused(source, line):
        return None
    if not _PAYING.search(source.path + source.around(line)):
        return None
    provider = _ASKS_PROVIDER.search(source.around(line).lower())
    return case.but(severity=Severity.MEDIUM if provider else Severity.HIGH)


_SUBMITS = re.compile(
    r"submit|submission|book|request|application|upload|save|saving|send|sending|message|contact"
    r"|registration|sign_?up|api\b|enviar|guardar|salvar|envio",
    re.IGNORECASE,
)
_TOLD_DONE = re.compile(
    r"toast(?:\.success)?\(|success|submitted|sent\b|saved|thank|sucesso|exito|\balert\(",
    re.IGNORECASE,
)
_REAL_WORK = re.compile(
    r"\bfetch\(|axios|\.(?:from|rpc|invoke|mutate\w*|post|put|insert|update)\(|\bawait\s+(?!new\s+Promise)"
    r"|dispatch\(|localStorage\.setItem|\bset(?:Items|List|Orders|Bookings|Messages|Rows)\("
)


def simulated_work(case: Case) -> Case | None:
    """A pause stands where what was filled in should be sent, and the visitor hears that it was."""
    source, line = case.source, case.match.line
    near = [source.line(number) for number in range(max(1, line - 3), line + 1)]
    said = " ".join(text for text in near if _COMMENT.search(text))
    if not _PRETENDS.search(said) or not _SUBMITS.search(said) or _PAYING.search(said):
        return None
    if _SIGNS_IN.search(said) or not source.path.endswith((".tsx", ".jsx", ".vue", ".svelte")):
        return None
    around = source.around(line)
    last = source.named_block(line)[1]
    after = source.between(line, min(last, case.match.end_line + 15))
    if _REAL_WORK.search(around) or not _TOLD_DONE.search(after) or unused(source, line):
        return None
    return case


_INVENTED = re.compile(
    r"[\"'`](?:\w{1,12}_)?(?:mock|fake|dummy|demo|sample)_|[\"'`][\w.+-]+@example\.(?:com|org|net)[\"'`]",
    re.IGNORECASE,
)
_SAID_ONLY = re.compile(r"console\.|logger?\.|toast|placeholder|throw\s")
_SIGNS_IN = re.compile(r"log_?in|sign_?in|authenticate", re.IGNORECASE)


def invented_in_catch(case: Case) -> Case | None:
    """Where the real thing failed, a made-up one takes its place."""
    source = case.source
    line = _invented(case)
    if not line or re.search(r"mock|fixture|demo|seed", source.path, re.IGNORECASE):
        return None
    signs_in = _SIGNS_IN.search(source.symbol(line)) is not None
    # What is made up of a log-in is said by a rule of its own.
    return None if signs_in and _NAMES_USER.search(case.match.text) else case.but(line=line)


def invented_user(case: Case) -> Case | None:
    """A log-in that failed is answered with somebody made up."""
    line = _invented(case)
    if not line or not _SIGNS_IN.search(case.source.symbol(line)) or left_over(case):
        return None
    found = _NAMES_USER.search(case.match.text)
    return case.but(severity=Severity.HIGH, line=line) if found else None


_NAMES_USER = re.compile(r"\buser\s*:\s*\{|\bsetUser\(\s*\{|return\s*\{[^}]*\bemail\s*:")


def _invented(case: Case) -> int:
    """The line of the catch on which something made up stands; 0 for none."""
    for offset, text in enumerate(case.match.text.split("\n")):
        if _INVENTED.search(text) and not _SAID_ONLY.search(text):
            return case.match.line + offset
    return 0


def stand_in(case: Case) -> Case | None:
    """`row?.email || "driver@example.com"`"""
    line = case.source.line(case.match.line)
    if _SAID_ONLY.search(line) or re.search(r"\b(?:from|to|reply_?to)\b\s*:", line, re.IGNORECASE):
        return None
    return None if re.search(r"process\.env|Deno\.env|import\.meta", case.match.text) else case


_COUNTS = re.compile(
    r"(?:count|total|views|likes|rating|reviews|members|users|students|mentors|followers|sold|score"
    r"|participants|downloads|visitors|online)s?$",
    re.IGNORECASE,
)


def invented_number(case: Case) -> Case | None:
    """`mentors: row.mentors || Math.floor(Math.random() * 25)`: a number that nobody counted."""
    near = case.source.line(case.match.line)[: case.match.column] or case.source.line(
        case.match.line
    )
    key = re.search(r"([\w$]+)\s*[:=]\s*[({]*\s*[^:=]*$", near)
    names = [last_name(case.name("REAL")), key[1] if key else ""]
    return case if any(_COUNTS.search(name) for name in names if name) else None


_DECIDED = re.compile(
    r"verif|authentic|valid|approv|paid|payment|success|eligib|accept|match|fraud|confirm|status",
    re.IGNORECASE,
)


def decided_by_chance(case: Case) -> Case | None:
    """`isAuthentic: Math.random() > 0.2`: what a check would say, if there were one."""
    source, line = case.source, case.match.line
    if not source.is_server or re.search(r"mock|fixture|demo|seed|test", source.path):
        return None
    if re.search(r"(?i)mock|fake|dummy|sandbox", source.symbol(line) + case.above[-900:]):
        return None  # it says so itself
    before = source.line(line)[: case.match.column] or source.line(line)
    key = re.search(r"([\w$]+)\s*(?::\s*boolean\s*=|[:=])\s*[!(]*\s*$", before)
    return case.but(severity=Severity.HIGH) if key and _DECIDED.search(key[1]) else None


def admin_by_address(case: Case) -> Case | None:
    """Who administers is an address that stands in the page."""
    near = case.source.between(max(1, case.match.line - 4), case.match.line + 4)
    about = case.source.path + near + case.name("ADDRESS")
    return case if re.search(r"admin|owner|superuser|forbidden", about, re.IGNORECASE) else None


def own_metadata(case: Case) -> Case | None:
    """user_metadata is what users write themselves with `auth.updateUser`."""
    root = re.match(r"[\w$]+", case.match.text)
    direct = "user_metadata" in case.match.text
    made = case.source.definition(root[0], case.match.line) if root and not direct else ""
    if not direct and "user_metadata" not in made[:200]:
        return None
    line = _OF_WHAT_KIND.sub(" ", case.source.line(case.match.line))
    here = re.search(
        r"[!=]==?\s*[\"'`]\w*|includes\(|\bset\w*(?:Role|Type|Admin)\w*\(|setItem\(", line
    )
    at = case.match.line if here else _compared_below(case)
    if not at or "app_metadata" in line or _of_everybody(case.source.line(at)):
        return None
    begins_here = re.match(r"\s*(?:const|let|var)\b", case.source.line(case.match.line))
    severity = Severity.HIGH if case.source.is_server else None
    if at != case.match.line and _only_sends_on(case, at):
        severity = Severity.LOW
    return case.but(severity=severity, line=0 if begins_here else at)


_GOES_TO = re.compile(
    r"^\s*(?:\}\s*)?(?:else\s+)?if\s*\(\s*\w+\s*===?\s*[\"'`]\w+[\"'`]\s*\)\s*\{?\s*"
    r"(?:return\s+)?(?:[\w.]*redirect|navigate|router\.(?:push|replace))\("
)


def _only_sends_on(case: Case, at: int) -> bool:
    """Whether it says which page comes next, each of which can ask for itself who came."""
    name = re.match(r"[^=!]*?\bif\s*\(\s*(\w+)", case.source.line(at))
    below = case.source.between(at, at + 20).split("\n")
    used = [text for text in below if name and re.search(rf"(?<![\w$.]){name[1]}\b", text)]
    return bool(used) and all(map(_GOES_TO.match, used))


_OF_WHAT_KIND = re.compile(r"\btypeof\s+[\w$.?!]+\s*[!=]==?\s*[\"'`]\w+[\"'`]")


def _of_everybody(line: str) -> bool:
    """Whether it is only asked which of the kinds of account it is that anybody may open."""
    kinds = re.findall(r"[!=]==?(\s*[\"'`]\w+[\"'`])", line)
    return bool(kinds) and all(EVERYBODY.match(kind.replace("`", "'")) for kind in kinds)


def _compared_below(case: Case) -> int:
    """`const role = user.user_metadata?.role`, and some lines on `role !== "admin"`: which line."""
    first = max(1, case.match.line - 3)
    above = case.source.between(first, case.match.line)
    kept = list(re.finditer(r"^\s*(?:const|let)\s+(\w+)\s*(?::[^=\n]+)?=", above, re.MULTILINE))
    if not kept or ";" in above[kept[-1].end() :].rstrip().removesuffix(";"):
        return 0
    name = kept[-1][1]
    compared = re.compile(
        rf"(?<![\w$.]){name}\s*[!=]==?\s*[\"'`]\w|\.includes\(\s*{name}\b"
        rf"|(?<![\w$.]){name}\??\.includes\(\s*[\"'`]\w"
    )
    below = case.source.between(case.match.line + 1, case.match.line + 30).split("\n")
    found = (n for n, text in enumerate(below) if compared.search(text))
    return next((case.match.line + 1 + n for n in found), 0)


_ACCOUNTS = re.compile(r"^(?:user_?)?(?:profiles?|users?|accounts?|user_roles?|members?)$")
_ROLE = re.compile(
    r"\b(role|user_?[rR]ole|user_?[tT]ype|account_?[tT]ype|is_?[aA]dmin)\b[\"']?"
    r"\s*(?::\s*([^,}\n]+)|(?=[,}\n]))"
)
_JOINS = re.compile(r"sign_?up|regist|onboard|create_?account|cadastr|signup", re.IGNORECASE)


def role_at_sign_up(case: Case) -> Case | None:
    """The browser of a newcomer writes which role they have."""
    source = case.source
    table = re.search(r"\.from\(\s*[\"'`](\w+)[\"'`]", case.match.text)
    if not table or not _ACCOUNTS.match(table[1]):
        return None
    line = case.match.line
    if not re.search(r"\bsignUp\(|createUserWith", source.around(line)) and not _JOINS.search(
        source.path.rpartition("/")[2] + source.symbol(line)
    ):
        return None
    row = case.name("ROW")
    found = _ROLE.search(row)
    if not found or re.fullmatch(r"\s*(?:[\"'`]\w+[\"'`]|false|null)\s*", found[2] or ""):
        return None
    before = case.match.text.rpartition(row)[0] + row[: found.start()]
    might = re.search(r"[\"'`](?:admin|super_?admin|owner|staff)[\"'`]", source.text, re.IGNORECASE)
    severity = Severity.HIGH if might or "role" in table[1] else Severity.MEDIUM
    return case.but(severity=severity, line=case.match.line + before.count("\n"), NAME=found[1])


_AN_ADDRESS = re.compile(r"e_?mail|address|lower|user_?name", re.IGNORECASE)
_ROLE_GIVEN = re.compile(
    r"""(?:\breturn\s*|\?\s*|\brole["']?\s*[:=](?!=)\s*|\b(?:is_?[aA]dmin)["']?\s*[:=](?!=)\s*)"""
    r"""(?:["'](?:super_?)?(?:admin|staff|manager|owner)\w*["']|true\b)""",
    re.IGNORECASE,
)
_GIVEN_WITHIN = 120


def role_by_address(case: Case) -> Case | None:
    """`email.startsWith("admin@") ? "admin" : "user"`: what an address looks like is its owner's
    choice.
    """
    source, line = case.source, case.match.line
    near = source.between(max(1, line - 6), line)
    if not _AN_ADDRESS.search(case.name("ADDRESS")) or not re.search(r"(?i)e_?mail", near):
        return None
    start = source.offset(case.match.end_line, case.match.end_column)
    statement = source.text[start : start + _GIVEN_WITHIN].partition(";")[0]
    before = source.line(line)[: case.match.column]
    given = _ROLE_GIVEN.search(statement) or re.search(r"\bis_?[aA]dmin\w*\s*[:=]\s*$", before)
    return case if given else None


JUDGES: dict[str, Judge] = {
    "simulated-payment": simulated_payment,
    "simulated-work": simulated_work,
    "invented-in-catch": invented_in_catch,
    "invented-user": invented_user,
    "stand-in": stand_in,
    "invented-number": invented_number,
    "decided-by-chance": decided_by_chance,
    "admin-by-address": admin_by_address,
    "own-metadata": own_metadata,
    "role-at-sign-up": role_at_sign_up,
    "role-by-address": role_by_address,
}
