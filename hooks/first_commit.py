"""Make the first commit of a stamped project: python hooks/first_commit.py PROJECT.

Inside an existing repository, or where there is a commit already, nothing is done: the history is
yours.
"""

import shutil
import subprocess
import sys
from pathlib import Path


def main(project: Path) -> int:
    if shutil.which("git") is None:
        print("Left the first commit to you: git is not on the PATH")
        return 0

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["git", "-C", str(project), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    if git("rev-parse", "--is-inside-work-tree").returncode == 0:
        print("Left the commit to you: this is inside a git repository already")
        return 0
    for step in (["init", "--quiet", "--initial-branch", "main"], ["add", "--all"]):
        ran = git(*step)
        if ran.returncode:
            print(ran.stderr, file=sys.stderr)
            return 1
    committed = git("commit", "--quiet", "--no-verify", "--message", "Stamp the service")
    if committed.returncode:
        print("Left the first commit to you: git does not know your name (git config user.name)")
        return 0
    print("Made the first commit")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
