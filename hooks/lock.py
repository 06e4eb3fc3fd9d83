"""Lock the dependencies of a stamped project: python hooks/lock.py PROJECT.

An existing lock file is kept as it is. Without a network nothing is locked, and `make setup` does
it later.
"""

import shutil
import subprocess
import sys
from pathlib import Path


def main(project: Path) -> int:
    if (project / "uv.lock").exists():
        print("The dependencies are locked already")
        return 0
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        print(
            "The dependencies are not locked yet: uv is not on the PATH (`make setup` locks them)"
        )
        return 0
    ran = subprocess.run(
        [uv, "lock", "--quiet", "--project", str(project)],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        (project / "uv.lock").unlink(missing_ok=True)
        print(
            "The dependencies are not locked yet: the package index can't be reached (`make setup`)"
        )
        return 0
    print("Locked the dependencies")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
