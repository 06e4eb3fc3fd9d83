"""What is added to shared files: where it goes, what is refused, and what is said about it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from guardrails.merges import Kind, State, apply, plan, undo
from guardrails.merges.targets import Target, Targets
from pre_commit.clientlib import load_config  # type: ignore[import-untyped]
from shared_files import merge_of
from stamping import ENVIRONMENT, Project, git


def test_an_empty_tree_gets_the_files_it_lacks(tree: Path, targets: Targets) -> None:
    made = {merge.path for merge in apply(tree, targets=targets) if merge.kind is Kind.CREATED}
    assert made == {".gitignore", "AGENTS.md", ".pre-commit-config.yaml", ".github/CODEOWNERS"}
    load_config(str(tree / ".pre-commit-config.yaml"))
    undo(tree, targets=targets)
    assert not [path for path in tree.rglob("*") if path.is_file() and ".git" not in path.parts]


def test_assistants_files_that_are_there_are_told_and_no_other_is_made(
    tree: Path, targets: Targets
) -> None:
    (tree / "CLAUDE.md").write_text("# Ours\n")
    apply(tree, targets=targets)
    assert "make -C guardrails check" in (tree / "CLAUDE.md").read_text()
    assert not (tree / "AGENTS.md").exists()


def test_what_the_tools_write_and_env_files_are_ignored(tree: Path, targets: Targets) -> None:
    apply(tree, targets=targets)
    ignored = [
        ".env", "backend/.env.production", "guardrails/.venv/x", "service/.postgres/y",
        "service/backups/z", "ops/compose/secrets/key",
    ]  # fmt: skip
    kept = [".env.example", "backups/mine", "src/build/a.ts", "service/src/x.py", "dist/a"]
    told = _git_says(tree, "check-ignore", *ignored, *kept)
    assert told.splitlines() == ignored


@pytest.mark.parametrize(
    ("damage", "line", "what"),
    [
        ("a\n# >>> guardrails 12345678: x\nb\n", 2, "end mark"),
        ("a\n\nb\n# <<< guardrails\n", 4, "start mark"),
        ("# >>> guardrails\n# <<< guardrails\n# >>> guardrails\n# <<< guardrails\n", 1, "more"),
        ("a\n# <<< guardrails\n# >>> guardrails\n", 2, "before"),
    ],
)
def test_a_damaged_block_is_refused_with_its_line_and_the_rest_goes_on(
    tree: Path, targets: Targets, damage: str, line: int, what: str
) -> None:
    (tree / ".gitignore").write_text(damage)
    merge = merge_of(apply(tree, targets=targets), ".gitignore")
    assert merge.state is State.REFUSED
    assert f".gitignore:{line}: " in merge.reason
    assert what in merge.reason
    assert "remove what is left of it" in merge.reason
    assert (tree / ".gitignore").read_text() == damage
    assert (tree / "AGENTS.md").exists()
    assert merge_of(undo(tree, targets=targets), ".gitignore").state is State.REFUSED


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("package.json", b'{"name": "x",}', "no valid JSON"),
        ("package.json", b"// a comment\n{}", "no valid JSON"),
        ("package.json", b"[]", "no JSON object"),
        ("package.json", b'{"scripts": []}', "no object"),
        ("package.json", b'{"scripts": {}, "scripts": {"a": "b"}}', "more than once"),
        ("package.json", b'{"a": ' + b"[" * 100_000, "no valid JSON"),
        ("package.json", b'{"name": "caf\xe9"}', "line 1 is not UTF-8"),
        (".pre-commit-config.yaml", b"repos:\n - a: [\n", "no valid YAML: line"),
        (".pre-commit-config.yaml", b"repos: here\n", "`repos` is no list"),
        (".pre-commit-config.yaml", b"repos: &x []\nrepos: *x\n", "given 2 times"),
        (".pre-commit-config.yaml", b"- repos\n", "no mapping"),
        (".pre-commit-config.yaml", b"{fail_fast: true}\n", "nothing can be added"),
        (".pre-commit-config.yaml", b"fail_fast: true\n...\n", "nothing can be added"),
        (".pre-commit-config.yaml", b"# caf\xe9\nrepos: []\n", "line 1 is not UTF-8"),
        (".pre-commit-config.yaml", b"a: &a [*a, \x01]\n", "no valid YAML"),
        (".gitignore", "dist\n".encode("utf-16"), "UTF-16"),
        ("AGENTS.md", b"\0\1", "no text"),
    ],
)
def test_what_can_not_be_added_to_is_refused_alone(
    tree: Path, targets: Targets, path: str, content: bytes, why: str
) -> None:
    (tree / path).write_bytes(content)
    merges = apply(tree, targets=targets)
    assert [merge.path for merge in merges if merge.state is State.REFUSED] == [path]
    assert why in merge_of(merges, path).reason
    assert (tree / path).read_bytes() == content
    assert [merge for merge in merges if merge.pending]


def test_scripts_keep_the_layout_and_yield_to_names_that_are_taken(
    tree: Path, targets: Targets
) -> None:
    file = tree / "package.json"
    file.write_bytes(b'{\r\n\t"scripts": {\r\n\t\t"guardrails": "mine"\r\n\t},\r\n\t"a": 1}')
    merge = merge_of(apply(tree, targets=targets), file.name)
    assert merge.reason == "`guardrails` is taken: ours is `quality:guardrails`"
    run = b"make -C guardrails"
    assert file.read_bytes() == (
        b'{\r\n\t"scripts": {\r\n\t\t"guardrails": "mine",'
        b'\r\n\t\t"quality:guardrails": "' + run + b' check",'
        b'\r\n\t\t"guardrails:baseline": "' + run + b' baseline"\r\n\t},\r\n\t"a": 1}'
    )


def test_a_script_of_an_earlier_version_is_brought_up_to_date(tree: Path, targets: Targets) -> None:
    file = tree / "package.json"
    file.write_text('{"scripts": {"guardrails": "make -C old/guardrails check", "b": "c"}}')
    assert merge_of(apply(tree, targets=targets), file.name).state is State.CHANGED
    scripts = json.loads(file.read_text())["scripts"]
    assert scripts["guardrails"] == "make -C guardrails check"
    undo(tree, targets=targets)
    assert json.loads(file.read_text()) == {"scripts": {"b": "c"}}


def test_scripts_whose_names_are_all_taken_need_a_decision(tree: Path, targets: Targets) -> None:
    content = '{"scripts": {"guardrails": "a", "quality:guardrails": "b"}}'
    (tree / "package.json").write_text(content)
    assert "both taken" in merge_of(apply(tree, targets=targets), "package.json").reason
    assert (tree / "package.json").read_text() == content


def test_a_link_out_of_the_tree_is_not_followed(
    tree: Path, targets: Targets, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "rc").write_text("theirs\n")
    (tree / ".gitignore").symlink_to(outside / "rc")
    (tree / "CLAUDE.md").symlink_to(tree / ".git" / "config")
    (tree / "GEMINI.md").symlink_to("nowhere.md")
    (tree / ".github").symlink_to(outside)
    merges = apply(tree, targets=targets)
    refused = {m.path: m.reason for m in merges if m.state is State.REFUSED}
    assert set(refused) == {".gitignore", "CLAUDE.md", "GEMINI.md", ".github/CODEOWNERS"}
    assert "leads out of the tree" in refused[".gitignore"]
    assert "a link to nothing" in refused["GEMINI.md"]
    assert [path.name for path in outside.iterdir()] == ["rc"]
    assert (outside / "rc").read_text() == "theirs\n"


def test_a_link_within_the_tree_stays_a_link_and_its_file_is_written_once(
    tree: Path, targets: Targets
) -> None:
    (tree / "docs").mkdir()
    (tree / "docs" / "agents.md").write_text("# Ours\n")
    (tree / "AGENTS.md").symlink_to("docs/agents.md")
    (tree / "CLAUDE.md").symlink_to("AGENTS.md")
    merges = apply(tree, targets=targets)
    assert merge_of(merges, "CLAUDE.md").reason == "it is AGENTS.md, by another name"
    assert (tree / "AGENTS.md").is_symlink()
    assert (tree / "docs" / "agents.md").read_text().count(">>> guardrails") == 1
    undo(tree, targets=targets)
    assert (tree / "docs" / "agents.md").read_text() == "# Ours\n"
    assert (tree / "CLAUDE.md").is_symlink()


def test_files_that_must_not_be_written_are_refused(tree: Path, targets: Targets) -> None:
    (tree / ".gitignore").write_text("a\n")
    (tree / ".gitignore").chmod(0o444)
    (tree / "CLAUDE.md").mkdir()
    os.mkfifo(tree / "GEMINI.md")
    refused = {m.path: m.reason for m in apply(tree, targets=targets) if m.state is State.REFUSED}
    assert "write-protected" in refused[".gitignore"]
    assert refused["CLAUDE.md"] == "CLAUDE.md is no regular file"
    assert "GEMINI.md" in refused
    assert (tree / ".gitignore").read_text() == "a\n"


def test_a_name_that_commands_a_terminal_is_told_without_the_command(
    tree: Path, adopted: Project
) -> None:
    for name in (b"a\x1b[2J", b"\xff\n"):
        folder = os.fsencode(tree) + b"/" + name
        os.mkdir(folder)  # noqa: PTH102
        with open(folder + b"/.env", "w") as file:  # noqa: PTH123
            file.write("KEY=x\n")
    git(tree, "add", "--force", ".")
    run = _command(adopted.path)
    told = run("--root", str(tree)).stdout
    assert "a\ufffd[2J/.env.example: made" in told
    assert "\ufffd\ufffd/.env.example: made" in told
    assert "\x1b" not in told
    assert json.loads(run("--root", str(tree), "--plan").stdout)["merges"]
    assert run("--root", str(tree), "--check").returncode == 0


def test_a_write_that_fails_leaves_the_file_whole_and_nothing_beside_it(
    tree: Path, adopted: Project
) -> None:
    """A full disk, here a limit on the size of files."""
    content = "x\n" * 400
    (tree / "AGENTS.md").write_text(content)
    limited = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900)); "
        "sys.dont_write_bytecode = True; sys.argv = ['merges', '--root', sys.argv[1]]; "
        "runpy.run_module('guardrails.merges', run_name='__main__')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", limited, str(tree)],
        cwd=adopted.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "AGENTS.md: needs a decision: AGENTS.md can't be written: File too large" in ran.stderr
    assert (tree / "AGENTS.md").read_text() == content
    assert {path.name for path in tree.iterdir()} == {
        ".git", ".github", ".gitignore", ".pre-commit-config.yaml", "AGENTS.md"
    }  # fmt: skip


def test_an_edit_inside_of_the_block_is_replaced_and_said(tree: Path, targets: Targets) -> None:
    apply(tree, targets=targets)
    file = tree / ".gitignore"
    whole = file.read_text()
    file.write_text("mine\n" + whole.replace(".ruff_cache/\n", "") + "too\n")
    merge = merge_of(plan(tree, targets=targets), file.name)
    assert merge.state is State.CHANGED
    assert merge.reason == "the block was edited by hand; what is between its marks is replaced"
    assert "+.ruff_cache/" in merge.diff
    apply(tree, targets=targets)
    assert file.read_text() == "mine\n" + whole + "too\n"


def test_a_block_of_another_version_is_no_edit(tree: Path, targets: Targets) -> None:
    older = Targets((Target("gitignore", (".gitignore",), made=".gitignore", text="old"),), ())
    (tree / ".gitignore").write_text("mine")
    apply(tree, targets=older)
    assert (
        merge_of(apply(tree, targets=targets), ".gitignore").reason
        == "the block is of another version"
    )
    undo(tree, targets=targets)
    assert (tree / ".gitignore").read_text() == "mine"


def test_a_block_that_is_no_longer_needed_goes(tree: Path, targets: Targets) -> None:
    (tree / ".github").mkdir()
    (tree / ".github" / "CODEOWNERS").write_text("* @us")
    apply(tree, targets=targets)
    declined = Targets((Target("CODEOWNERS", (".github/CODEOWNERS",)),), ())
    assert merge_of(apply(tree, targets=declined), ".github/CODEOWNERS").state is State.CHANGED
    assert (tree / ".github" / "CODEOWNERS").read_text() == "* @us"


def test_how_it_is_built_and_deployed_is_left_alone_and_said(tree: Path, targets: Targets) -> None:
    names = ("compose.yaml", "Dockerfile", "vercel.json", "tsconfig.app.json", "vite.config.ts",
             "eslint.config.js", "pyproject.toml", "README.md")  # fmt: skip
    for name in names:
        (tree / name).write_text("{}")
    merges = apply(tree, targets=targets)
    for name in names:
        assert merge_of(merges, name).state is State.LEFT
        assert merge_of(merges, name).reason
        assert (tree / name).read_text() == "{}"


def test_the_example_names_what_was_tracked_and_shows_no_value(
    tree: Path, targets: Targets
) -> None:
    hidden = "hid" + "den"
    (tree / "web").mkdir()
    (tree / "web" / ".env.local").write_text(
        f"VITE_URL=https://{hidden}\nAPI_KEY='{hidden}\nNOT_A_NAME=x\n'\nexport OTHER={hidden}\n"
    )
    (tree / "web" / ".env.production").write_text(f"OTHER={hidden}\nPEM=-----BEGIN K-----\nAB=\n")
    (tree / "web" / ".env.example").write_text("# OTHER=\nVITE_URL=https://example.com\n")
    (tree / ".env").write_text(f"UNTRACKED={hidden}\n")
    git(tree, "add", "web")
    apply(tree, targets=targets)
    text = (tree / "web" / ".env.example").read_text()
    assert [line for line in text.splitlines() if line.endswith("=")] == [
        "# OTHER=",
        "API_KEY=",
        "PEM=",
    ]
    assert hidden not in text
    assert not (tree / ".env.example").exists()
    git(tree, "rm", "--quiet", "--cached", "web/.env.local", "web/.env.production")
    assert not [merge for merge in apply(tree, targets=targets) if merge.pending]


def test_drift_is_seen_and_put_right(adopted: Project) -> None:
    project = adopted.copy(adopted.path.with_name("merged"))
    (project.path / "CLAUDE.md").write_text("# Ours\n")
    (project.path / ".env").write_text("A=1\n")
    git(project.path, "add", ".env")
    run = _command(project.path)
    assert run("--check").returncode == 1
    first = run()
    assert first.returncode == 0
    assert "`git rm --cached .env` takes it out" in first.stdout
    git(project.path, "rm", "--quiet", "--cached", ".env")
    assert run("--check").returncode == 0
    (project.path / "CLAUDE.md").write_text("# Ours\n")
    told = run("--check")
    assert told.returncode == 1
    assert "CLAUDE.md: ours is missing" in told.stdout
    planned = json.loads(run("--plan").stdout)["merges"]
    assert {entry["path"] for entry in planned if entry["state"] == "new"} == {"CLAUDE.md"}
    assert run("--only", "CLAUDE.md").stdout == "CLAUDE.md: added to\n"
    assert run().stdout == "Everything is in place\n"
    assert run("--undo").returncode == 0
    assert (project.path / "CLAUDE.md").read_text() == "# Ours\n"


def test_make_refuses_what_was_taken_out_and_waits_where_nothing_was_put_in(
    adopted: Project,
) -> None:
    project = adopted.copy(adopted.path.with_name("shared"))
    # UTF-16, to which nothing is added: it waits for its decision, and fails nothing meanwhile.
    (project.path / "CLAUDE.md").write_text("# Ours\n", encoding="utf-16")
    assert project.run("make", "-C", "guardrails", "merge", PYTHONPATH="").returncode
    said = project.check("make", "-C", "guardrails", "shared", PYTHONPATH="")
    assert "CLAUDE.md: " in said
    ignored = project.path / ".gitignore"
    put_in = ignored.read_text()
    plants = {
        "taken out": "node_modules\n",
        "a line fewer": put_in.replace("\n.env\n", "\n", 1),
        "without its mark": "\n".join(put_in.split("\n")[:-2]) + "\n",
    }
    for plant, content in plants.items():
        assert content != put_in, plant
        ignored.write_text(content)
        ran = project.run("make", "-C", "guardrails", "shared", PYTHONPATH="")
        assert ran.returncode, plant
        assert ".gitignore: " in ran.stdout, plant
    assert "shared" in project.check("make", "-C", "guardrails", "--dry-run", "check")


def test_what_a_formatter_does_to_markdown_is_done_already(adopted: Project) -> None:
    """Prettier pads tables, and parts a comment from what follows it."""
    project = adopted.copy(adopted.path.with_name("formatted"))
    _command(project.path)("--only", "AGENTS.md")
    mark, empty, *text = (project.path / "AGENTS.md").read_text().split("\n")
    assert ">>> guardrails" in mark
    assert not empty
    assert not [line for line in text if line.startswith("|")]


def _command(root: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "guardrails.merges", *options]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    return run


def _git_says(tree: Path, *arguments: str) -> str:
    ran = subprocess.run(
        ["git", "-C", str(tree), *arguments], capture_output=True, text=True, check=False
    )
    return ran.stdout


@pytest.mark.parametrize(
    ("path", "content", "made"),
    [
        (".prettierrc", "{}", True),
        ("package.json", '{"devDependencies": {"prettier": "3.6.2"}}', True),
        (".prettierignore", "dist", True),
        ("package.json", '{"devDependencies": {"vite": "7.1.0"}}', False),
    ],
)
def test_a_formatter_of_the_whole_tree_leaves_ours_alone(
    tree: Path, targets: Targets, path: str, content: str, *, made: bool
) -> None:
    (tree / path).write_text(content)
    apply(tree, targets=targets)
    ignored = tree / ".prettierignore"
    assert ignored.exists() is made
    assert not made or "\n/guardrails/\n" in ignored.read_text()
    undo(tree, targets=targets)
    assert (tree / path).read_text() == content
    assert ignored.exists() is (path == ".prettierignore")


def test_the_prototype_s_linter_finds_no_fault_with_what_is_stamped(
    adopted: Project, tmp_path: Path
) -> None:
    """By the prototype's rules; its own code is what they are for."""
    tree = adopted.copy(tmp_path / "tree").path
    (tree / "ruff.toml").write_text('[lint]\nselect = ["ALL"]\n')
    (tree / "mine.py").write_text("import os\n")
    ran = subprocess.run(
        [str(ENVIRONMENT / "bin" / "ruff"), "check", "--no-cache", "--output-format", "concise"],
        cwd=tree, capture_output=True, text=True, check=False,
    )  # fmt: skip
    named = {line.split(":")[0] for line in ran.stdout.splitlines() if ".py:" in line}
    assert named == {"mine.py"}
