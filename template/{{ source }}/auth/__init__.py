"""Who is calling, and what they may do: accounts, sessions and roles.

Features use `auth` in the composition root, and of the rest only `platform.access`.
"""

from .feature import auth

__all__ = ["auth"]
