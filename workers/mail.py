"""One mail through the operator's SMTP server."""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from pipeline.errors import Hindered, Refused
from pipeline.text import clean_block, clean_line
from workers.sections import MailSettings

ANSWER_S = 15.0
IMPLICIT_TLS_PORT = 465
HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Plain text to one person; whatever rooms wrote into it is data."""

    to: str
    subject: str
    text: str


def send(mail: Mail, settings: MailSettings) -> None:
    """Hand the mail to the server. Errors: `Hindered` while the server cannot take it, `Refused` when it never will."""
    message = written(mail, sender_of(settings))
    try:
        with connected(settings) as server:
            server.send_message(message)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        raise _turned_away(error) from error


def written(mail: Mail, sender: str) -> EmailMessage:
    """The mail as it travels: headers are single lines, and the text is text."""
    message = EmailMessage()
    message["From"], message["To"] = clean_line(sender), clean_line(mail.to)
    message["Subject"] = clean_line(mail.subject, 150)
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=clean_line(sender).rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(clean_block(mail.text, 200_000) + "\n")
    return message


def sender_of(settings: MailSettings) -> str:
    """Whom notices come from."""
    return settings.sender or settings.operator or settings.user


@contextlib.contextmanager
def connected(settings: MailSettings, answer_s: float = ANSWER_S) -> Iterator[smtplib.SMTP]:
    """The server, encrypted where it offers that and logged in where a name is set. Errors: `Hindered`."""
    try:
        with _opened(settings, answer_s) as server:
            _introduced(server, settings)
            yield server
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError):
        raise
    except (OSError, smtplib.SMTPException) as error:  # SMTPException is an OSError too; both are named for readers
        raise Hindered(f"the mail server {_where(settings)} is away: {_why(error)}", code="mail_away") from error


def _opened(settings: MailSettings, answer_s: float) -> smtplib.SMTP:
    if settings.port == IMPLICIT_TLS_PORT:
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=answer_s, context=_tls(settings))
    return smtplib.SMTP(settings.host, settings.port, timeout=answer_s)


def _introduced(server: smtplib.SMTP, settings: MailSettings) -> None:
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=_tls(settings))
        server.ehlo()
    if settings.user:
        if not isinstance(server.sock, ssl.SSLSocket) and settings.host not in HERE:
            raise Hindered(
                f"{_where(settings)} offers no encryption, and mail.password is not sent in the clear; use another mail.port",
                code="mail_away",
            )  # fmt: skip
        server.login(settings.user, settings.password.get_secret_value())


def _tls(settings: MailSettings) -> ssl.SSLContext:
    """A server that is given a password must prove who it is; for a mail without one, any encryption beats none (RFC 7435)."""
    context = ssl.create_default_context()
    if not settings.user:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _turned_away(error: smtplib.SMTPException) -> Hindered | Refused:
    """What the server said to the mail itself: a code of the 400s may change, one of the 500s will not."""
    answers = list(error.recipients.values()) if isinstance(error, smtplib.SMTPRecipientsRefused) else [error.args[:2]]
    code, said = next(iter(answers))
    words = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    if code < 500:
        return Hindered(f"the mail server takes no mail now: {code} {words}", code="mail_away")
    return Refused(f"the mail server refuses this mail: {code} {words}; look at mail.sender and mail.operator", code="mail_refused")


def _where(settings: MailSettings) -> str:
    return f"{settings.host}:{settings.port}"


def _why(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
