"""Flask applications of one file: a tree of sketches holds several, and they share nothing."""

from .modules import Module, Project
from .syntax import called, names_in

_SIGNERS = {
    "session", "flash", "login_user", "current_user", "LoginManager", "jwt", "JWTManager",
    "create_access_token", "URLSafeTimedSerializer", "URLSafeSerializer", "CSRFProtect",
    "FlaskForm", "OAuth", "oauth", "Session",
}  # fmt: skip
"""What the application's key signs, or who has it signed."""


def signs_nobody(project: Project, module: Module) -> bool:
    """Whether the application is all in this file and never signs who somebody is."""
    makes = any(called(call) == "Flask" for call in module.calls)
    return makes and not _SIGNERS & names_in(module.tree) and not _imports_ours(project, module)


def _imports_ours(project: Project, module: Module) -> bool:
    targets = {part for it in module.imports.values() for part in (it, it.rpartition(".")[0])}
    return any(project.module_named(name, module) for name in targets if name)
