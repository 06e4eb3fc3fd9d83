"""The answers that need not be asked, from the tree and where it came from."""

from collections.abc import Mapping

from roadworthy.stack import Stack

from .candidates import Candidate
from .names import code_owner, is_on_gitlab, project_name
from .places import Taken, home_folder, service_folder


def found_answers(
    candidate: Candidate, stack: Stack, folder: str, remote: str, taken: Taken
) -> Mapping[str, object]:
    """What the tree says; a question that is not in it has to be asked or takes its default."""
    name = project_name(folder)
    found = candidate.answers() | {
        "project_name": name,
        "description": f"What stands in front of {name}.",
        "ci": _ci(stack, remote),
        "home": home_folder(taken),
        "service_dir": service_folder(taken),
    }
    owner = code_owner(remote)
    return found | ({"owner": owner} if owner else {})


def _ci(stack: Stack, remote: str) -> str:
    on_gitlab = "GitLab CI" in stack.names("ci") or is_on_gitlab(remote)
    return "gitlab" if on_gitlab and "GitHub Actions" not in stack.names("ci") else "github"
