"""For random trees: nothing of what was there changes, twice is once, and undo restores it all."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from guardrails.merges import Kind, State, apply, plan, undo
from guardrails.merges.targets import Targets
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from shared_files import ENV, lines, package_json, yaml_list

_LINES = (
    ".gitignore", "AGENTS.md", "CLAUDE.md", "GEMINI.md", ".cursorrules",
    ".github/copilot-instructions.md", ".github/CODEOWNERS", "docs/CODEOWNERS", ".env.example",
    "backend/.env.sample",
)  # fmt: skip
_TREES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(_LINES, lines()),
        "package.json": package_json(),
        ".pre-commit-config.yaml": yaml_list("repos"),
        "Dockerfile": st.just(b"FROM scratch"),
        ".env": ENV,
        "backend/.env.local": ENV,
    },
)
Snapshot = dict[str, tuple[bytes, int]]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
@given(tree=_TREES, is_git=st.booleans())
def test_merges_only_add_and_can_be_taken_out(
    targets: Targets, tree: dict[str, bytes], *, is_git: bool
) -> None:
    root = Path(tempfile.mkdtemp())
    try:
        _lay_out(root, tree, is_git=is_git)
        _check(root, targets)
    finally:
        shutil.rmtree(root)


def _check(root: Path, targets: Targets) -> None:
    before = _snapshot(root)
    planned = plan(root, targets=targets)
    assert _snapshot(root) == before, "a plan writes nothing"
    refused = [merge.path for merge in planned if merge.state is State.REFUSED]
    assert not refused or _would_grow(before, refused)

    applied = apply(root, targets=targets)
    assert [m.to_json() for m in applied] == [m.to_json() for m in planned]
    after = _snapshot(root)
    for path, (content, mode) in before.items():
        assert after[path][1] == mode, path
        _see_only_added(path, content, after[path][0])
    made = {merge.path for merge in planned if merge.kind is Kind.CREATED}
    assert set(after) == set(before) | made
    for path in set(after) - {".env", "backend/.env.local"}:
        assert b"idden" not in after[path][0].replace(before.get(path, (b"", 0))[0], b""), path

    assert not [merge for merge in apply(root, targets=targets) if merge.pending]
    assert _snapshot(root) == after, "twice is once"

    undone = undo(root, targets=targets)
    assert not [merge for merge in undone if merge.state is State.REFUSED]
    assert _snapshot(root) == before, "undone to the byte"


def _would_grow(before: Snapshot, refused: list[str]) -> bool:
    """A text block at the very end, without a newline, would get one by what follows it."""
    return refused == [".pre-commit-config.yaml"] and before[refused[0]][0].endswith(b"no comment")


def _see_only_added(path: str, before: bytes, after: bytes) -> None:
    """What came is one piece, and it is marked, or it is members of an object."""
    if before == after:
        return
    same = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
    start = len(before) if same is None else same
    came = after[start : len(after) - (len(before) - start)]
    assert after == before[:start] + came + before[start:], path
    if path == "package.json":
        old, new = (json.loads(text.decode("utf-8-sig")) for text in (before, after))
        ours = {k: v for k, v in new["scripts"].items() if v != old.get("scripts", {}).get(k)}
        assert all(value.startswith("make -C guardrails ") for value in ours.values())
        assert list(new) == [*old, *({"scripts"} - set(old))]
        assert {**old.get("scripts", {}), **ours} == new["scripts"]
    else:
        # The cut may fall into a newline that is on both sides of what came.
        block = (before[:start] + came).rpartition(b">>> guardrails")[2] if came else b""
        assert came.count(b">>> guardrails ") == came.count(b"<<< guardrails") == 1, path
        assert b"<<< guardrails" in block


def _lay_out(root: Path, tree: dict[str, bytes], *, is_git: bool) -> None:
    for path, content in tree.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o600 if path.startswith("backend") else 0o755)
    if is_git:
        for command in (["init", "--quiet"], ["add", "--all", "--force"]):
            subprocess.run(["git", "-C", str(root), *command], check=True)


def _snapshot(root: Path) -> Snapshot:
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mode)
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).parts[0] != ".git"
    }
