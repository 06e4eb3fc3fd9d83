"""The guardrails as this checkout has them: from both folders of the template that hold some.

What every project is stamped with is in one, what only a prototype needs is in the other. A stamp
and a wheel have all of it in one folder, and not this module.
"""

from pathlib import Path

_TEMPLATE = Path(__file__).parents[2] / "template"
_FOLDERS = [_TEMPLATE / f"{{{{ {home} }}}}" / "guardrails" for home in ("home", "prototype_home")]
__path__ = [str(folder) for folder in _FOLDERS]

from . import guards  # noqa: E402 it is found by the path above

guards.__path__.append(str(_FOLDERS[1] / "guards"))
