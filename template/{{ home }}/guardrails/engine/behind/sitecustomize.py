"""Puts the folder that holds the guardrails last on the path, behind the standard library.

In an adopted project that folder is the prototype's own as well, and a `json.py` of the prototype's
must not be imported in place of Python's (CWE-427). With this module's folder as PYTHONPATH and
with PYTHONSAFEPATH, Python imports it at the start.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))
