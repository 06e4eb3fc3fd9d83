"""What authentication adds to the service."""

from ..platform.service import Feature
from .api import router
from .authenticator import SessionAuthenticator
from .commands import users
from .tasks import tasks

auth = Feature(
    name="auth",
    routers=[router],
    tasks=tasks,
    commands=users,
    authenticator=SessionAuthenticator,
)
