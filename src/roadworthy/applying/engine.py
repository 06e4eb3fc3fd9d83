"""The clone's own guardrails, run as its CI will run them."""

import os
import subprocess
import sys
from pathlib import Path

from roadworthy.refusal import Refusal

_LONGEST = 2000


def run_engine(
    clone: Path, home: str, module: str, *arguments: str, accepted: tuple[int, ...] = (0,)
) -> str:
    """Run `python -m MODULE` of the clone's guardrails on the clone, and give what it printed.

    Raises:
        Refusal: it ended with a status that is not accepted.

    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ran = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=clone,
        env=kept
        | {
            # The prototype's own modules must not be found first (CWE-427).
            "PYTHONPATH": str(clone / home / "guardrails" / "engine" / "behind"),
            "PYTHONSAFEPATH": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if ran.returncode not in accepted:
        said = " ".join((ran.stderr or ran.stdout)[-_LONGEST:].split())
        raise Refusal(f"The step {module} failed: {said}")
    return ran.stdout
