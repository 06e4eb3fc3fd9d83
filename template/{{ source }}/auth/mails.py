"""What the service writes to people.

The links go to two pages of your front end, /verify-email and /reset-password under PUBLIC_URL.
Each takes the token from behind the # and posts it to this service.
"""

from datetime import timedelta

from ..platform.mail import Mail
from ..platform.settings import PlatformSettings


class Mails:
    """Behind the # no browser sends a token to a server's log (ASVS 5.0 14.2.1)."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._service = settings.service_name
        self._url = str(settings.public_url).rstrip("/")

    def verify_email(self, to: str, token: str, good_for: timedelta) -> Mail:
        return Mail(
            to,
            f"Confirm your address for {self._service}",
            f"Open this link to confirm your address and open your account:\n\n"
            f"{self._url}/verify-email#token={token}\n\n"
            f"It works once, for {_hours(good_for)}. If you did not sign up, ignore this mail: "
            "no account will be opened.\n",
        )

    def already_signed_up(self, to: str) -> Mail:
        return Mail(
            to,
            f"You already have an account at {self._service}",
            "Somebody, probably you, tried to sign up with this address. It has an account "
            f"already: log in, or ask for a new password, at {self._url}\n\n"
            "If it was not you, there is nothing to do.\n",
        )

    def reset_password(self, to: str, token: str, good_for: timedelta) -> Mail:
        return Mail(
            to,
            f"A new password for {self._service}",
            f"Open this link to choose a new password:\n\n"
            f"{self._url}/reset-password#token={token}\n\n"
            f"It works once, for {_hours(good_for)}. If you did not ask for it, ignore this mail: "
            "your password stays as it is.\n",
        )

    def password_changed(self, to: str) -> Mail:
        return Mail(
            to,
            f"Your password for {self._service} was changed",
            "The password of your account was changed, and your other sessions were ended.\n\n"
            f"If it was not you, ask for a new password at once: {self._url}\n",
        )


def _hours(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return "an hour" if hours == 1 else f"{hours} hours"
