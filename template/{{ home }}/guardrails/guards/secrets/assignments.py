"""Settings that name a secret and give its value: `DB_PASSWORD=…`, also indented in YAML."""

from collections.abc import Iterator
from dataclasses import dataclass

from ...engine import regex as re
from ...engine.finding import Severity
from .places import is_env_file, is_example
from .shapes import Sighting
from .values import is_for_development, is_placeholder, is_random

_LINE = re.compile(
    r"^[ \t]*(?:export[ \t]+|ENV[ \t]+|ARG[ \t]+|-[ \t]+|Environment=\"?)?"
    r"[\"']?(?P<name>[A-Za-z][A-Za-z0-9_.]{2,60})[\"']?[ \t]*[:=][ \t]*(?P<value>[^\r\n]*)$",
    re.MULTILINE,
)
_SECRET = re.compile(
    r"(password|passwd|passphrase|secret|token|api_?key|apikey|private_?key|access_?key"
    r"|signing_?key|encryption_?key|auth_?key|service_?role|credential|_pwd|_pass)$"
    r"|(secret|password)_(key|token|value)$|^secret_?key",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"public|publishable|anon|_name$|_file$|_path$|_url$|_ttl|expir|_length|_min|_max|_algorithm"
    r"|_type$|_id$|_header$|_field|_policy|max_?token|_reset|_hash_",
    re.IGNORECASE,
)
_SIGNING = re.compile(
    r"^(?!.*(^|_)(whatsapp|facebook|meta|instagram|tiktok|shopify|slack|line|feishu|wechat)_)"
    r".*((jwt|session|cookie|auth|nextauth|better_auth|signing|token|app|django|flask|refresh|access)"
    r"_?(token_)?(secret|secret_?key|signing_?key|private_?key)$|^secret_?key$|^secret_key_base$"
    r"|encryption_?key$)",
    re.IGNORECASE,
)
PUBLIC_PREFIX = re.compile(
    r"^(VITE|NEXT_PUBLIC|REACT_APP|EXPO_PUBLIC|PUBLIC|NUXT_PUBLIC|GATSBY|VUE_APP)_"
)
_NEVER_PUBLIC = re.compile(
    r"SECRET|SERVICE_ROLE|SERVICE_KEY|PRIVATE_KEY|PASSWORD|AUTH_TOKEN|DATABASE_URL"
    r"|(OPENAI|ANTHROPIC|CLAUDE|GEMINI|GROQ|DEEPSEEK|MISTRAL|RESEND|SENDGRID|TWILIO|OPENROUTER"
    r"|REPLICATE|ELEVENLABS|PERPLEXITY|AIRTABLE)\w*(KEY|TOKEN)"
)


_PAIR = re.compile(
    r"^[ \t]*-[ \t]+(?:key|name)[ \t]*:[ \t]*[\"']?(?P<name>[A-Za-z][A-Za-z0-9_.]{2,60})[\"']?"
    r"[ \t]*\r?\n"
    r"[ \t]+value[ \t]*:[ \t]*(?P<value>[^\r\n]*)$",
    re.MULTILINE,
)
"""`- key: NAME` and below it `value: …`: variables as Render and Kubernetes list them."""
_PIPELINE = re.compile(
    r"(^|/)(\.github/workflows/|\.circleci/|\.gitlab-ci|bitbucket-pipelines|azure-pipelines)"
)
_FOR_A_TRY = re.compile(r"test|p[a4@]s+w[o0]r?d|secret|admin|postgres|example", re.IGNORECASE)


@dataclass(frozen=True)
class Assignment:
    name: str
    value: str
    line: int


def assignments(text: str) -> Iterator[Assignment]:
    """Every `NAME=value` or `name: value` of the text that is not commented out."""
    for match in (*_LINE.finditer(text), *_PAIR.finditer(text)):
        value = _bare(match["value"])
        if value:
            yield Assignment(match["name"], value, text.count("\n", 0, match.start("value")) + 1)


def _bare(value: str) -> str:
    value = value.strip().rstrip(";,").strip()
    if "kingfisher:ignore" in value or "gitleaks:allow" in value:
        return ""
    if value[:1] in {'"', "'"}:
        return value[1:].partition(value[0])[0].strip()
    return re.split(r"\s#", value, maxsplit=1)[0].strip().strip("\"'")


def never_public(name: str) -> bool:
    """Whether a bundler would publish the variable although its name says that it is secret."""
    return bool(PUBLIC_PREFIX.match(name)) and bool(_NEVER_PUBLIC.search(name))


def holds_secret(name: str) -> bool:
    return bool(_SECRET.search(name)) and not _NO_SECRET.search(name)


def signs_sessions(name: str) -> bool:
    return bool(_SIGNING.search(name))


def named_secrets(path: str, text: str) -> Iterator[Sighting]:
    """The secrets of a settings file that only their names give away."""
    unfilled = _is_form(text)
    in_force = is_env_file(path) or _APPLIED.search(text) is not None
    for entry in assignments(text):
        bundled = never_public(entry.name)
        if not bundled and (PUBLIC_PREFIX.match(entry.name) or not holds_secret(entry.name)):
            continue
        weight = (
            None if unfilled and is_placeholder(entry.value) else _weight(path, entry, in_force)
        )
        if weight is not None:
            yield Sighting(
                entry.value,
                entry.name,
                max(weight, Severity.HIGH) if bundled else weight,
                path,
                entry.line,
                rule="secret.in-bundle" if bundled else "secret.committed",
                consequence=_consequence(entry.name, bundled),
            )


_TRIED = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?P<of>[A-Za-z]\w*?)"
    r"_(?:MODE|ENV|ENVIRONMENT|SANDBOX|TEST_MODE|IS_SANDBOX)"
    r"[ \t]*=[ \t]*[\"']?(?:sandbox|test|testing|true|uat)\b",
    re.IGNORECASE | re.MULTILINE,
)


def for_trying(name: str, text: str) -> bool:
    """Whether a setting beside it says that the account is the provider's sandbox."""
    bare = PUBLIC_PREFIX.sub("", name).upper()
    return any(
        bare.startswith(f"{PUBLIC_PREFIX.sub('', found['of']).upper()}_")
        for found in _TRIED.finditer(text)
        if "_" in found[0] and found["of"].upper() not in _OWN
    )


_OWN = {"NODE", "APP", "FLASK", "DJANGO", "RAILS", "VITE", "NEXT_PUBLIC", "JWT", "DB", "DATABASE"}
"""What the whole program is run as says nothing of somebody else's account."""
_FEWEST_BLANKS = 3
_TO_FILL_IN = re.compile(r"change|replace|your|<|generate|insert|enter|_here", re.IGNORECASE)


def _is_form(text: str) -> bool:
    """Whether every secret in the file is still to be filled in: nothing runs with such a file."""
    secrets = [entry.value for entry in assignments(text) if holds_secret(entry.name)]
    blank = [value for value in secrets if is_placeholder(value) and _TO_FILL_IN.search(value)]
    return len(blank) >= _FEWEST_BLANKS and all(map(is_placeholder, secrets))


def _consequence(name: str, bundled: bool) -> str:
    if bundled:
        return "its prefix puts it into the code that every visitor downloads"
    if _SIGNING.search(name):
        return "whoever knows it can sign sessions and tokens of any user"
    return "whoever can read the repository has it"


_SPELLED = re.compile(r"p[a4@]s+w[o0]r?d|s[e3]cur[e3]", re.IGNORECASE)
"""What people write into an example, however they spell it."""


_APPLIED = re.compile(r"^kind:[ \t]*Secret\b", re.MULTILINE)
"""A manifest that Kubernetes takes as it stands."""


def _weight(path: str, entry: Assignment, in_force: bool) -> Severity | None:
    """What the value opens; None when it is no secret at all."""
    value = entry.value
    if _is_no_literal(path, value) or (_PIPELINE.search(path) and _FOR_A_TRY.search(value)):
        return None
    if is_placeholder(value):
        signs = in_force and not is_example(path) and _SIGNING.search(entry.name)
        # In force, and in every tutorial: with it anybody signs in as anybody.
        chosen = signs and len(value) >= 16 and "_" in value and "${" not in value
        return Severity.HIGH if chosen and not is_for_development(value) else None
    shown = is_example(path) and (not is_random(value) or _SPELLED.search(value))
    if is_for_development(value) or shown:
        return None
    if not is_env_file(path) and not is_random(value):
        return None
    return _worth(path, entry.name, value)


def _worth(path: str, name: str, value: str) -> Severity:
    if is_example(path) and is_env_file(path):
        return Severity.MEDIUM  # whoever copies it has it; whether anybody did is not seen
    if _SIGNING.search(name):
        return Severity.CRITICAL if is_random(value) else Severity.HIGH
    return Severity.HIGH if is_random(value) else Severity.MEDIUM


def _is_no_literal(path: str, value: str) -> bool:
    if len(value) < 6 or value.startswith(("$", "{", "[", "(", "<", "!", "&", "*", "|", ">", "%")):
        return True
    if not is_env_file(path) and re.search(
        r"[\s(){}]|^[a-z_.]+$|^(os|process|env|secrets)\.", value
    ):
        return True
    return value.startswith(("http://", "https://", "/", "./", "encrypted:", "vault:", "op://"))
