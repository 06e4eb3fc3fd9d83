"""Put the guardrails' lines into the files that they share with the prototype.

python hooks/merge.py PROJECT [--check | --plan | --undo] [--only PATH] runs the project's own
guardrails/merges; a project without one (a new service) has nothing to merge.
"""

import os
import subprocess
import sys
from pathlib import Path

import yaml


def main(project: Path, *options: str) -> int:
    answers = project / ".copier-answers.yml"
    recorded = yaml.safe_load(answers.read_text(encoding="utf-8")) if answers.exists() else {}
    home = project / str(recorded.get("home", "."))
    if not (home / "guardrails" / "merges").is_dir():
        print("There is nothing to merge")
        return 0
    # Behind the standard library: no module of the prototype's takes a place in it (CWE-427).
    path = {"PYTHONPATH": str(home / "guardrails" / "engine" / "behind")}
    command = [sys.executable, "-P", "-m", "guardrails.merges", "--root", str(project), *options]
    return subprocess.run(command, env=os.environ | path, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
