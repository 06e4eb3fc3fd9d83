"""Items that are added to a list of YAML, in every layout that such a list has."""

from pathlib import Path

import pytest
import yaml
from guardrails.merges import State, apply, undo
from guardrails.merges.targets import Form, Target, Targets
from pre_commit.clientlib import load_config  # type: ignore[import-untyped]
from shared_files import merge_of


@pytest.mark.parametrize(
    "content",
    [
        "repos: []\n",
        "repos: [ ]  # none yet\n",
        "repos: [\n  {repo: meta, hooks: [{id: identity}]}  # ours\n]\n",
        "repos: [{repo: meta, hooks: [{id: identity}]},]",
        "repos:\n- repo: meta\n  hooks: [{id: identity}]\nfail_fast: true\n",
        "repos:\n    -   repo: meta\n        hooks:\n        -   id: identity\n        # more\n",
        "repos:\nfail_fast: true\n",
        "fail_fast: true",
        "---\n# nothing yet\n",
        "",
    ],
)
def test_pre_commit_takes_the_hooks_from_every_layout(
    tree: Path, targets: Targets, content: str
) -> None:
    file = tree / ".pre-commit-config.yaml"
    file.write_text(content)
    assert merge_of(apply(tree, targets=targets), file.name).state is State.NEW
    load_config(str(file))
    had, has = yaml.safe_load(content) or {}, yaml.safe_load(file.read_text())
    assert has["repos"][:-1] == (had.get("repos") or [])
    hooks = [hook["id"] for hook in has["repos"][-1]["hooks"]]
    assert hooks == ["guardrails-secrets", "guardrails"]
    assert has.get("fail_fast") == had.get("fail_fast")
    undo(tree, targets=targets)
    assert file.read_text() == content


_GITLAB = Targets(
    (
        Target(
            "gitlab-ci.yml",
            (".gitlab-ci.yml",),
            Form.LIST,
            made=".gitlab-ci.yml",
            key="include",
            stage="test",
            text="- local: .gitlab/guardrails.yml",
        ),
    ),
    (),
)


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        ("stages: [build, test]\njob:\n  script: !reference [.a, script]\n", False),
        ("include:\n  - template: Jobs/Build.gitlab-ci.yml\n\njob: {script: make}\n", False),
        ("spec:\n  inputs: {}\n---\ninclude: []\njob: {script: make}\n", False),
        (".a: &a {script: make}\njob:\n  <<: *a\n", False),
        ("include: /ci/build.yml\n", True),
        ("include:\n  local: /ci/build.yml\n", True),
    ],
)
def test_a_pipeline_includes_ours_or_says_what_to_change(
    tree: Path, content: str, *, refused: bool
) -> None:
    file = tree / ".gitlab-ci.yml"
    file.write_text(content)
    merge = merge_of(apply(tree, targets=_GITLAB), file.name)
    if refused:
        assert "write the items of `include` one below the other" in merge.reason
        assert file.read_text() == content
        return
    assert "local" in file.read_text()
    assert ".gitlab/guardrails.yml" in file.read_text()
    undo(tree, targets=_GITLAB)
    assert file.read_text() == content


def test_a_pipeline_without_our_stage_is_not_broken(tree: Path) -> None:
    """GitLab refuses a whole pipeline when one job is of a stage that is not listed."""
    file = tree / ".gitlab-ci.yml"
    file.write_text("stages: [build, deploy]\njob: {stage: build, script: make}\n")
    assert "`stages` lack `test`" in merge_of(apply(tree, targets=_GITLAB), file.name).reason
    assert "include" not in file.read_text()
    file.write_text("stages:\n  - build\n  - test\njob: {stage: build, script: make}\n")
    assert merge_of(apply(tree, targets=_GITLAB), file.name).state is State.NEW
