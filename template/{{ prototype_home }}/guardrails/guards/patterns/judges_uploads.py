"""Judges of uploads: how large, of which type, under which name, and on whose disk."""

from ...engine import regex as re
from ...engine.finding import Severity
from .case import Case, Judge

_KEPT_ENDING = re.compile(
    r"filename\b[\s\S]{0,400}?(?:extname\(\s*\w+\.originalname|\.originalname)"
)
_FILTER = re.compile(r"\bfileFilter\s*(?::\s*([\w$]+)|[,}]|\()")
_LOOKS_AT_ENDING = re.compile(r"originalname|extname|\bext\b")
_EITHER = re.compile(r"mimetype[^;{}\n]*\|\|[^;{}\n]*(?:originalname|ext)")


def multer_without_limits(case: Case) -> Case | None:
    """Files of any size or type; or of a type that the sender names, under the sender's ending."""
    text = case.match.text
    case = case.but(WHAT="files of any size and type")
    filtered = _FILTER.search(text)
    kept = _KEPT_ENDING.search(case.source.text) is not None
    if filtered is None:
        any_type = case.but(WHAT="files of any type, and keeps the ending of their names")
        return case if "limits" not in text else any_type if kept else None
    if kept and _believes(case, filtered):
        return case.but(WHAT="what is said to be of a good type, under its own ending")
    return None if "limits" in text else case.but(severity=Severity.LOW)


def _believes(case: Case, filtered: re.Match[str]) -> bool:
    """Whether the filter looks at nothing but the type that the sender names, or else would take
    that alone.
    """
    name = filtered[1] or "fileFilter"
    inline = case.match.text[filtered.end() :]
    told = case.source.definition(name, case.match.line) if filtered[0][-1] != "(" else ""
    told = told or inline
    if "mimetype" not in told or _MIME_TABLE.search(case.source.text):
        return False
    return _LOOKS_AT_ENDING.search(told) is None or _EITHER.search(told) is not None


_MIME_TABLE = re.compile(
    r"mime\w*\[|fileType|file-type|magic|toBuffer\(|\.extension\(", re.IGNORECASE
)


_TYPES = re.compile(r"/(?:\.?\w{2,5}\??\w{0,3}\|)+\w{2,5}/i?")


def unanchored_types(case: Case) -> Case | None:
    """`/jpeg|png/` also fits `page.png.html` and a type of the client's own making."""
    regex = case.match.text
    if not _TYPES.fullmatch(regex) or not re.search(r"jpe?g|png|pdf|gif", regex):
        return None
    if "multer" not in case.source.text and not re.search(
        r"mimetype|originalname", case.source.text
    ):
        return None
    return case.but(severity=Severity.LOW)


_ENDINGS = re.compile(
    r"(?:allowed|valid)\w*ext\w*|\.(?:includes|has|test)\(\s*\w*(?:ext|suffix|ending)\w*|mime\w*to\w*ext"
    r"|ext\w*\s*=\s*\w*(?:MIME|mime|TYPES?|EXT)\w*\[",
    re.IGNORECASE,
)


def ending_of_upload(case: Case) -> Case | None:
    """A file is kept under the ending that its sender names, whatever was checked of its type."""
    source = case.source
    if not re.search(r"\.formData\(", source.text) or _ENDINGS.search(source.text):
        return None
    first, last = source.named_block(case.match.line)
    named = re.compile(r"\.name\s*\)?\s*\.\s*split\(\s*[\"']\.[\"']\s*\)|extname\(\s*\w+\.name\b")
    line = source.line_of(named, first, last)
    return case.but(line=line) if line else None


_FOLDERS = re.compile(r"[\"'`/](?:public|uploads?|media|images?|static|avatars?)\b")
_SENT = re.compile(r"formData\(|req\.files?\b|base64|\.buffer\b")


def on_local_disk(case: Case) -> Case | None:
    """Files that people send, in a folder beside the program, however its path is made."""
    if "writeFile" not in case.match.text.partition("(")[0]:
        return case
    path = case.name("PATH")
    made = case.source.definition(path, case.match.line) if path.isidentifier() else path
    root = re.search(r"join\(\s*(\w+)", made)
    made += case.source.definition(root[1], case.match.line) if root else ""
    return case if _FOLDERS.search(made) and _SENT.search(case.source.text) else None


_BUCKET = re.compile(r"\.from\(\s*[\"'`]([\w-]+)[\"'`]")
_DOCUMENTS = re.compile(
    r"document|\bkyc|\bids?\b|identit|passport|lease|contract|medical|prescription|invoice|payslip"
    r"|verification|licen[cs]e|claims?\b|resumes?\b|receipts?\b|proofs?\b",
    re.IGNORECASE,
)
_IDENTITY = re.compile(
    r"\bkyc|\bids?\b|identit|passport|verification|medical|prescription", re.IGNORECASE
)
_PROVES = re.compile(
    r"national_?id|passport|id_?card|identity|kyc|title_?deed|medical", re.IGNORECASE
)


def address_of_document(case: Case) -> Case | None:
    """People's papers by public addresses, in a bucket of which the migrations say nothing."""
    named = _BUCKET.search(case.match.text)
    if named is None or not _DOCUMENTS.search(re.sub(r"[-_]", " ", named[1])):
        return None
    tree = case.source.tree
    made = re.compile(rf"storage\.buckets\b[\s\S]{{0,400}}?'{re.escape(named[1])}'")
    if any(made.search(tree.text(path) or "") for path in tree.ending(".sql")):
        return None  # what they make of it, the database's guard says
    papers = _IDENTITY.search(re.sub(r"[-_]", " ", named[1])) or _PROVES.search(case.source.text)
    return case.but(severity=Severity.HIGH if papers else None, BUCKET=named[1])


_CHECKED = re.compile(
    r"\.size\b|\.type\b|mimetype|fileFilter|MAX_\w*SIZE|limits\s*:|content-length|maxSize|fileType"
    r"|allowedTypes|validateFile|isValid\w*File|accept\s*=|\.byteLength|allowed_mime",
    re.IGNORECASE,
)


_ONLY_TOLD = re.compile(
    r"\b[\w'\"-]+\s*:\s*\w+[?!]?\.(?:size|type)\b(?=\s*(?:\|\|[^,}\n]*)?[,}\n])"
)
"""`{ url, size: file.size }` tells the size, and asks nothing."""


def unchecked_upload(case: Case) -> Case | None:
    """A file is stored and neither its size nor its type was looked at in this file."""
    if _CHECKED.search(_ONLY_TOLD.sub(" ", case.source.text)):
        return None
    if not re.search(
        r"\b(file|files|formData|blob|upload|image|photo|avatar)\b", case.around, re.IGNORECASE
    ):
        return None
    if re.search(r"canvas|\.toBlob|html2canvas|jsPDF|pdf\.output|JSON\.stringify", case.around):
        return None
    return case if case.source.is_server else case.but(severity=Severity.LOW)


_SERVED = re.compile(r"express\.static\(|serveStatic\(")
_DOCUMENT_FIELD = re.compile(
    r"(?:\.(?:single|array)\(\s*|\bname\s*:\s*|fieldname\s*===?\s*|(?:join|destination|cb)\([^;\n]{0,200}?)"
    r"[\"'`][\w./-]{0,80}?(?:kyc|identity|passport|licen[cs]e|legal|prescription|medical|health[_-]?(?:report|record)"
    r"|lab[_-]?(?:report|result)|id_?-?(?:card|proof|doc|front|back)|national_?id|aadhaa?r|resume|payslip)",
    re.IGNORECASE,
)
_UNGUESSED = re.compile(r"randomBytes|randomUUID|uuid|nanoid|signedUrl|getSignedUrl", re.IGNORECASE)


def served_documents(case: Case) -> Case | None:
    """The folder of what people send in is served to everybody, and people's papers are in it."""
    text = case.match.text
    if not _SERVED.search(text) or not re.search(r"upload|media|files", text, re.IGNORECASE):
        return None
    tree = case.source.tree
    for path in tree.ending(".js", ".ts", ".mjs", ".cjs"):
        sends = tree.text(path) or ""
        field = _DOCUMENT_FIELD.search(sends) if "multer" in sends else None
        if field and "diskStorage" in sends + case.source.text and not _UNGUESSED.search(sends):
            return case.but(FOLDER=case.name("PATH").strip("\"'`"))
    return None


JUDGES: dict[str, Judge] = {
    "address-of-document": address_of_document,
    "served-documents": served_documents,
    "unchecked-upload": unchecked_upload,
    "multer-without-limits": multer_without_limits,
    "unanchored-types": unanchored_types,
    "ending-of-upload": ending_of_upload,
    "on-local-disk": on_local_disk,
}
