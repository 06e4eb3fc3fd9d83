"""What is added to files that are the prototype's own: in a marked block, or by key.

Nothing else in them changes, and every addition can be taken out again byte for byte. This package
uses nothing of the engine, so that it works before anything is installed but PyYAML.
"""

from .merge import Kind, Merge, State
from .merging import apply, plan, undo

__all__ = ["Kind", "Merge", "State", "apply", "plan", "undo"]
