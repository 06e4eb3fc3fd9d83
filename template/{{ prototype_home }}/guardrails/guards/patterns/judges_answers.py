"""Judges of what goes out with something of the request in it: HTML, and where it sends to."""

from ...engine import regex as re
from .case import Case, Judge, from_request, interpolations
from .judges_input import sanitised

_MARKUP = re.compile(r"<(?:p|div|td|h[1-6]|li|strong|a|span|br|html|body)[ >/]", re.IGNORECASE)


_AS_SENT = (
    r"[\w$.?!]+(?:\.(?:trim|toString|toUpperCase|toLowerCase|slice|substring)\([\d, ]*\))*"
    r"(?:\s*(?:\|\||\?\?)\s*[\"'][^\"']*[\"'])?"
)


def html_of_request(case: Case) -> Case | None:
    """What a stranger sent, in the HTML of a mail or a page that somebody else reads."""
    if _ESCAPES_ALL.search(case.source.text):
        return None
    for before, value in interpolations(case.match.text):
        sent = re.fullmatch(_AS_SENT, value)
        if not sent or not _MARKUP.search(before) or _NO_MARKUP.search(value):
            continue
        if from_request(case, value) and not sanitised(case, value):
            return case.but(line=case.match.line + before.count("\n"), VALUE=value)
    return None


_MAILS = re.compile(
    r"nodemailer|resend\b|sendgrid|mailgun|postmark|mailersend|brevo|\bses\b|sendMail"
    r"|\bemails?\.send|send_?e?mail|transporter|\bhtml\s*:|[\"']text/html",
    re.IGNORECASE,
)
_WRITTEN = re.compile(
    r"[\w$.?!]*(?:name|message|notes?|comments?|subject|title|description|feedback"
    r"|company|address|requests?|reason|phone|mobile|email|text|mensagem|nome|nombre|mensaje)!?"
    r"(?:\s*(?:\|\||\?\?)\s*[\"'][^\"']*[\"'])?",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"^(?:process|config|settings|app|site|company|brand|env)\b"
    r"|(?:site|app|shop|store|brand|file|template|plan|event|product|service|course|tournament|cab"
    r"|room|team|school)_?[nN]ame|\.\w+\.\w"
)
_IN_LINK = re.compile(r"(?:href|src)=[\"']?[^\"'<>]*$")


_TAKEN_APART = (
    r"\{{[^{{}};]*\b{0}\b[^{{}};]*\}}\s*(?::[^=;]+)?=\s*([\w$]+)(\.data)?\s*(?:as\b|[;\n])"
)
_OF_A_RECORD = re.compile(
    r"\s*([\w$]+)(?:\?\.|\.)(?:[\w$]+\??\.)*(?:\w*_)?(?:name|title|message|notes?|comments?)\b"
    r"\s*(?:(?:\|\||\?\?)[^;]*)?;?\s*"
)


def _written(case: Case, name: str, given: set[str]) -> bool:
    """Whether a name stands for what somebody wrote: it was handed in, alone or among others, or
    read from a row.
    """
    if name in given:
        return True
    taken = re.search(_TAKEN_APART.format(re.escape(name)), case.above)
    if taken:
        return taken[1] in given or taken[2] is not None
    held = case.source.definition(name, case.match.line).partition("=")[2]
    row = _OF_A_RECORD.fullmatch(held)
    return row is not None and case.source.is_server and not _OWN.match(row[1])


def html_of_mail(case: Case) -> Case | None:
    """What people wrote, in the HTML of a mail, or of a page, that is put together apart from the
    request.
    """
    source = case.source
    if _ESCAPES_ALL.search(source.text) or not _MAILS.search(source.text) or html_of_request(case):
        return None
    given = _parameters(case)
    for before, value in interpolations(case.match.text):
        if not _WRITTEN.fullmatch(value) or _OWN.search(value):
            continue
        of_record = source.is_server and re.match(r"[\w$]+\??\.", value)
        root = re.split(r"\W", value, maxsplit=1)[0]
        if not of_record and not _written(case, root, given):
            continue
        if _MARKUP.search(before) and not _IN_LINK.search(before) and not sanitised(case, value):
            return case.but(line=case.match.line + before.count("\n"), VALUE=value)
    return None


def _parameters(case: Case) -> set[str]:
    """The names that the function around is given."""
    first, _ = case.source.named_block(case.match.line)
    head = case.source.between(first, first + 12)
    head = re.split(r"\)\s*(?::[^{=]*)?(?:=>|\{)", head, maxsplit=1)[0]
    return set(re.findall(r"[A-Za-z_$][\w$]*", head.partition("(")[2]))


_ESCAPES_ALL = re.compile(
    r"escape_?html|sanitize_?html|DOMPurify|he\.encode|\bxss\(", re.IGNORECASE
)
_NO_MARKUP = re.compile(
    r"\b\w*(?:[iI]d|count|total|amount|price|quantity|number|date|time|url|link|code|html)\b"
    r"|\w(?:Id|Count|Total|Amount|Price|Quantity|Number|Date|Time|Url|URL|Link|Code|Html|HTML)\b"
)
_TARGET = re.compile(
    r"(?<![\w$])(?:next|redirect\w*|return_?\w*|callback_?url|dest\w*|continue|goto|target|url)\b",
    re.IGNORECASE,
)
_KEPT_HERE = re.compile(
    r"startsWith\(|\.origin\b\s*[!=]==|isSafe|isValid|isAllowed|allowed\w*(?:hosts?|urls?|paths?|redirects?|origins?)|sanit|safe\w*\(|\.test\(|\.includes\("
    r"|new URL\([^)]*,[^)]*\)\.pathname",
    re.IGNORECASE,
)


def redirect_of_request(case: Case) -> Case | None:
    """The visitor is sent where a parameter of the link says: `//other.example` is a place, too,
    and so is `@other.example` behind the own origin.
    """
    target = case.name("URL").strip()
    parts = [(before, value) for before, value in interpolations(target)] or [("", target)]
    if target.startswith("new URL("):
        parts = [("", target[8:].partition(",")[0].strip(") "))]
    for before, value in parts[:2]:
        if not re.fullmatch(r"[\w$.?!]+", value) or not _TARGET.search(value):
            continue
        if re.sub(r"\$\{[^}]*\}", "", before).strip("`") or not _from_link(case, value):
            continue
        above = case.above
        if target.startswith("new URL(") and not _DOUBLE.search(above):
            above = _ONE_SLASH.sub("", above)  # `//other.example` begins with one, too
        if not _KEPT_HERE.search(above):
            return case.but(VALUE=value)
    return None


_ONE_SLASH = re.compile(r"\.startsWith\(\s*(['\"])/\1\s*\)")
_DOUBLE = re.compile(r"startsWith\(\s*['\"]//|(['\"])//\1")


def _from_link(case: Case, value: str, hops: int = 3) -> bool:
    """It is read from the address, and not only to look something up by it."""
    definition = case.source.definition(value, case.match.line) if value.isidentifier() else value
    if re.search(r"searchParams\.get\(|\breq(?:uest)?\.query\b", definition):
        return True
    taken = re.match(r"[^=]*=\s*(\w+)\s*(?:\|\||\?\?|&&|;|$)", definition)
    return bool(taken and hops and taken[1] != value and _from_link(case, taken[1], hops - 1))


def return_address_of_request(case: Case) -> Case | None:
    """After paying, the visitor is sent to an address that whoever made the request chose."""
    target = case.name("URL").strip()
    parts = interpolations(target)
    start = parts[0][1] if parts and parts[0][0].strip() == "`" else target
    if start == target and target.startswith("`"):
        return None
    for value in re.split(r"\|\||\?\?", start):
        name = value.strip()
        if not re.fullmatch(r"[\w$.?!]+", name) or re.search(r"header|origin|env\b", name):
            continue
        if from_request(case, name) and not _KEPT_HERE.search(case.above):
            return case.but(VALUE=name)
    return None


JUDGES: dict[str, Judge] = {
    "return-address-of-request": return_address_of_request,
    "html-of-request": html_of_request,
    "html-of-mail": html_of_mail,
    "redirect-of-request": redirect_of_request,
}
