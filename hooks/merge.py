"""Put the guardrails' lines into the files that they share with the prototype.

python hooks/merge.py PROJECT [--check | --plan | --undo] [--only PATH] runs the project's own
guardrails/merges; a project without one (a new service) has nothing to merge.
"""

import subprocess
import sys
from pathlib import Path

import yaml

# The project's folder comes last on the path, so that no module of the prototype's (a `json.py`
# beside its app) takes the place of the standard library's or of PyYAML (CWE-427).
_RUN = (
    "import runpy, sys; sys.path.append(sys.argv.pop(1)); "
    "runpy.run_module('guardrails.merges', run_name='__main__', alter_sys=True)"
)


def main(project: Path, *options: str) -> int:
    answers = project / ".copier-answers.yml"
    recorded = yaml.safe_load(answers.read_text(encoding="utf-8")) if answers.exists() else {}
    home = project / str(recorded.get("home", "."))
    if not (home / "guardrails" / "merges").is_dir():
        print("There is nothing to merge")
        return 0
    command = [sys.executable, "-P", "-c", _RUN, str(home), "--root", str(project), *options]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
