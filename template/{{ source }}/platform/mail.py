"""The port through which the service sends mail, and its adapters."""

import ssl
import sys
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from .settings import PlatformSettings

_TIMEOUT_SECONDS = 15.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = {"smtps": 465, "smtp": 587}


@dataclass(frozen=True, slots=True)
class Mail:
    """One text mail to one address.

    Raises:
        ValueError: the address or the subject holds a control character, with which a caller
            could write headers of their own (CWE-93, ASVS 5.0 1.3.11).
    """

    to: str
    subject: str
    text: str

    def __post_init__(self) -> None:
        for name in ("to", "subject"):
            if not getattr(self, name).isprintable():
                raise ValueError(f"a mail's {name!r} must not hold control characters")
        if "@" not in self.to or "," in self.to:
            raise ValueError("a mail goes to one address")


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Hand the mail over; raises when it was not accepted, so that the job is tried again."""
        ...


class SmtpMailer:
    """Sends through a relay: `smtps://user:password@host:465`, or `smtp://…:587` with STARTTLS.

    The certificate is always verified. A plain connection is made to this very host only, and
    never with a password.
    """

    def __init__(self, url: str, sender: str, *, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("SMTP_URL must look like smtps://user:password@host:465")
        self._sender = sender
        self._host = parts.hostname
        self._port = parts.port or _DEFAULT_PORTS[parts.scheme]
        self._username = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._implicit_tls = parts.scheme == "smtps"
        self._tls = tls or ssl.create_default_context()

    @property
    def _start_tls(self) -> bool | None:
        if self._implicit_tls:
            return False
        plain_will_do = self._host in _LOOPBACK and self._password is None
        return None if plain_will_do else True

    async def send(self, mail: Mail) -> None:
        await aiosmtplib.send(
            _message(mail, self._sender),
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            use_tls=self._implicit_tls,
            start_tls=self._start_tls,
            tls_context=self._tls,
            local_hostname=_domain(self._sender),
            timeout=_TIMEOUT_SECONDS,
        )


class ConsoleMailer:
    """Prints the mail: in development the terminal is the mailbox."""

    async def send(self, mail: Mail) -> None:
        body = "\n".join(f"  {line}".rstrip() for line in mail.text.splitlines())
        sys.stdout.write(f"\n  To: {mail.to}\n  Subject: {mail.subject}\n\n{body}\n\n")
        sys.stdout.flush()


class CapturedMailer:
    """Keeps the mails, for tests."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.sent.append(mail)


def mailer_from(settings: PlatformSettings) -> Mailer:
    if settings.smtp_url is not None:
        return SmtpMailer(settings.smtp_url.get_secret_value(), settings.mail_from)
    return CapturedMailer() if settings.environment == "test" else ConsoleMailer()


def _message(mail: Mail, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=_domain(sender))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    message.set_content(mail.text)
    return message


def _domain(address: str) -> str:
    return parseaddr(address)[1].rpartition("@")[2] or "localhost"
