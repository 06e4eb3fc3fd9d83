"""All judges by the name under which rules call them."""

from . import judges_access, judges_data, judges_input
from .case import Case, Judge

JUDGES: dict[str, Judge] = {
    **judges_input.JUDGES,
    **judges_access.JUDGES,
    **judges_data.JUDGES,
}

__all__ = ["JUDGES", "Case", "Judge"]
