"""Which files are worth reading for secrets, and what kind of file each is."""

from ...engine import regex as re

VENDORED = re.compile(
    r"(^|/)(node_modules|bower_components|site-packages|\.venv|venv|__pycache__|\.next|\.nuxt"
    r"|\.svelte-kit|\.output|\.git|\.hg|Pods|DerivedData|\.npm-cache|_cacache|\.pnpm-store)/"
)
_UNREADABLE = re.compile(
    r"\.(png|jpe?g|gif|webp|avif|ico|bmp|tiff?|svg|pdf|woff2?|ttf|otf|eot|mp[34]|mov|webm|wav|ogg"
    r"|zip|gz|tgz|bz2|xz|7z|rar|jar|exe|dll|so|dylib|wasm|pyc|db|sqlite3?|wt|bson|xlsx?|docx?"
    r"|pptx?|parquet|map|snap|lockb)$",
    re.IGNORECASE,
)
_LOCKS = frozenset(
    {
        "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock",
        "uv.lock", "poetry.lock", "Pipfile.lock", "composer.lock", "Cargo.lock", "go.sum",
        "deno.lock", "Gemfile.lock",
    }
)  # fmt: skip
_EXAMPLE = re.compile(
    r"(example|sample|template|\bdist\b|defaults?\b|\btpl\b|schema)", re.IGNORECASE
)
_ENV = re.compile(
    r"^(\.env(rc)?([._ -][^/]*)?|[^/]+\.env|\.?env"
    r"|env\.(local|prod|production|dev|development|staging|backup|bak|old))$",
    re.IGNORECASE,
)
_CODE_NAMED_ENV = re.compile(
    r"\.(d\.ts|[cm]?[jt]sx?|py|md|mdx|sh|json|ya?ml|rb|go|php)$", re.IGNORECASE
)
_SETTINGS = re.compile(
    r"\.(ya?ml|toml|ini|cfg|conf|properties|sh|bash|service|tfvars)$"
    r"|(^|/)([^/]*Dockerfile[^/]*|Procfile|\.replit|\.npmrc|\.pypirc|\.netrc)$",
    re.IGNORECASE,
)


def worth_reading(path: str) -> bool:
    """Whether the file may hold a secret in text that people wrote."""
    if VENDORED.search(path) or _UNREADABLE.search(path):
        return False
    return path.rpartition("/")[2] not in _LOCKS


def is_example(path: str) -> bool:
    return bool(_EXAMPLE.search(path.rpartition("/")[2]))


def is_env_file(path: str) -> bool:
    """A file of `NAME=value` lines, whatever it is called: `.env`, `backend.env`, `env.prod`."""
    name = path.rpartition("/")[2]
    return bool(_ENV.match(name)) and not _CODE_NAMED_ENV.search(name)


def is_settings_file(path: str) -> bool:
    """A file in which a secret-named key with a value sets that secret."""
    return is_env_file(path) or bool(_SETTINGS.search(path))
