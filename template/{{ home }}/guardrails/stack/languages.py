"""How much of which language a tree holds."""

from collections import Counter
from typing import Any

from ..engine.tree import Tree

_NAMES = {
    ".ts": "TypeScript", ".tsx": "TypeScript", ".mts": "TypeScript", ".cts": "TypeScript",
    ".js": "JavaScript", ".jsx": "JavaScript", ".mjs": "JavaScript", ".cjs": "JavaScript",
    ".py": "Python", ".sql": "SQL", ".vue": "Vue", ".svelte": "Svelte", ".astro": "Astro",
    ".html": "HTML", ".css": "CSS", ".scss": "CSS", ".go": "Go", ".rs": "Rust", ".rb": "Ruby",
    ".java": "Java", ".kt": "Kotlin", ".php": "PHP", ".cs": "C#", ".swift": "Swift",
    ".dart": "Dart", ".ex": "Elixir", ".exs": "Elixir", ".sh": "Shell", ".prisma": "Prisma",
}  # fmt: skip


def languages(tree: Tree) -> list[dict[str, Any]]:
    """Files and lines of each language, the largest first."""
    files: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for path in tree.files:
        name = _NAMES.get("." + path.rpartition(".")[2].lower())
        text = tree.text(path) if name else None
        if name and text is not None:
            files[name] += 1
            lines[name] += text.count("\n") + (not text.endswith("\n") and bool(text))
    return [
        {"name": name, "files": files[name], "lines": count} for name, count in lines.most_common()
    ]
