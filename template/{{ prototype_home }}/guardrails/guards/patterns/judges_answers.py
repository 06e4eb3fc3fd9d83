"""Judges of what goes out with something of the request in it: HTML, and where it sends to."""

import re

from ...engine.finding import Severity
from .case import Case, Judge, from_request, interpolations
from .judges_input import sanitised

_MARKUP = re.compile(r"<(?:p|div|td|h[1-6]|li|strong|a|span|br|html|body)[ >/]", re.IGNORECASE)


def html_of_request(case: Case) -> Case | None:
    """What a stranger sent, in the HTML of a mail or a page that somebody else reads."""
    if _ESCAPES_ALL.search(case.source.text):
        return None
    for before, value in interpolations(case.match.text):
        sent = re.fullmatch(r"[\w$.?!]+(?:\s*(?:\|\||\?\?)\s*[\"'][^\"']*[\"'])?", value)
        if not sent or not _MARKUP.search(before) or _NO_MARKUP.search(value):
            continue
        if from_request(case, value) and not sanitised(case, value):
            return case.but(line=case.match.line + before.count("\n"), VALUE=value)
    return None


_MAILS = re.compile(
    r"nodemailer|resend\b|sendgrid|mailgun|postmark|mailersend|brevo|\bses\b|sendMail",
    re.IGNORECASE,
)
_WRITTEN = re.compile(
    r"(?:name|message|notes?|comments?|subject|title|description|feedback|company|address|request"
    r"|reason|mensagem|nome|nombre|mensaje)!?(?:\s*(?:\|\||\?\?)\s*[\"'][^\"']*[\"'])?$",
    re.IGNORECASE,
)
_OWN_NAMES = re.compile(
    r"(?:site|app|shop|store|brand|file|template|plan|event|product|service|course|tournament|cab"
    r"|room|team|school)_?[nN]ame|\.\w+\.\w"
)


def html_of_parameter(case: Case) -> Case | None:
    """The same in a function that makes a mail's HTML of what it is given."""
    source = case.source
    first, _ = source.named_block(case.match.line)
    if first == case.match.line == 1 or not _MAILS.search(source.text):
        return None
    head = re.split(r"\)\s*(?::[^{=]*)?(?:=>|\{)", source.between(first, first + 12), maxsplit=1)[0]
    if _ESCAPES_ALL.search(source.text) or "(" not in head:
        return None
    given = set(re.findall(r"[A-Za-z_$][\w$]*", head.partition("(")[2]))
    for before, value in interpolations(case.match.text):
        root = re.match(r"[A-Za-z_$][\w$]*", value)
        if not root or root[0] not in given or not _WRITTEN.search(value):
            continue
        plain = re.fullmatch(r"[\w$.?!]+(?:\s*(?:\|\||\?\?)\s*[\"'][^\"']*[\"'])?", value)
        if plain and _MARKUP.search(before) and not _OWN_NAMES.search(value):
            return case.but(line=case.match.line + before.count("\n"), VALUE=value)
    return None


_MADE_MAILS = re.compile(
    r"nodemailer|sendMail\(|resend|sendgrid|postmark|mailgun|\bemails?\.send|transporter|\bhtml\s*:",
    re.IGNORECASE,
)
_TYPED = re.compile(
    r"[\w$]+\??\.(?:\w*[nN]ame|message|notes?|comments?|subject|description|address|reason"
    r"|\w*[rR]equests?|phone|mobile|email|company|title|text)(?:\s*(?:\|\||\?\?)\s*[\"'][^\"']*[\"'])?"
)
_OWN_NAME = re.compile(r"^(?:process|config|settings|app|site|company|brand|env)\b", re.IGNORECASE)


def html_of_record(case: Case) -> Case | None:
    """What people typed into a form, in the HTML of a mail that is put together elsewhere."""
    text = case.source.text
    if _ESCAPES_ALL.search(text) or not _MADE_MAILS.search(text) or html_of_request(case):
        return None
    for before, value in interpolations(case.match.text):
        if not _TYPED.fullmatch(value) or _OWN_NAME.match(value) or not _MARKUP.search(before):
            continue
        if re.search(r"(?:href|src)=[\"']?[^\"'<>]*$", before):
            continue
        if not sanitised(case, value):
            line = case.match.line + before.count("\n")
            return case.but(severity=Severity.MEDIUM, line=line, VALUE=value)
    return None


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
        if not _KEPT_HERE.search(case.above):
            return case.but(VALUE=value)
    return None


def _from_link(case: Case, value: str) -> bool:
    """It is read from the address, and not only to look something up by it."""
    definition = case.source.definition(value, case.match.line) if value.isidentifier() else value
    return re.search(r"searchParams\.get\(|\breq(?:uest)?\.query\b", definition) is not None


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
    "html-of-record": html_of_record,
    "html-of-request": html_of_request,
    "html-of-parameter": html_of_parameter,
    "redirect-of-request": redirect_of_request,
}
