"""Runs a command in which every Python process is observed: workers and reloaders too."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    command = sys.argv[1:]
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        sys.exit("usage: python -m observe -- uvicorn main:app")
    # Python imports `sitecustomize` before anything else; that is where it begins.
    paths = [str(HERE / "at_start"), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    # As `python -m` has it, and the servers too: the prototype's folder is where one stands.
    beside = Path(sys.executable).with_name(command[0])
    try:
        os.execvp(beside if beside.exists() else command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit(f"{command[0]} can't be started: {error.strerror}")


if __name__ == "__main__":
    main()
