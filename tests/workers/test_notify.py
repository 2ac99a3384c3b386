"""Mails go through a real SMTP server: composed when they are sent, encrypted when that is offered, waited for while it is away."""

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from fakes_house import a_house
from fakes_tls import loopback_certificate
from sqlalchemy import update

from bench.trial.servers import free_port
from feeds.catalogue import EpisodeRow, db_now
from pipeline.errors import Hindered, Refused
from workers.alarms import LATE_ROOMS, alarm
from workers.database import Database
from workers.house import House
from workers.intake import Accepted
from workers.ledger import JobRow, RecordingRow
from workers.mail import Mail, send, written
from workers.notify import notify
from workers.sections import MailSettings
from workers.work_loop import WorkLoop

Send = Callable[..., Accepted]
LONG_S = 3600.0


class Postbox:
    """Keeps what is delivered; answers each step of a delivery as it is told."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.mails: list[EmailMessage] = []
        self.was_encrypted: list[bool] = []
        self.logged_in: list[tuple[bytes, bytes]] = []

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.answers.get("DATA", "250 OK")
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
            self.was_encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return answer

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logged_in.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


@contextmanager
def post_office(postbox: Postbox, **options: Any) -> Iterator[MailSettings]:
    """A server on loopback, and the settings that lead to it."""
    port = free_port()
    office = Controller(
        postbox,
        hostname="127.0.0.1",
        port=port,
        authenticator=postbox.authenticate,
        auth_require_tls=False,
        ready_timeout=20,
        **options,
    )
    office.start()
    try:
        yield MailSettings(host="127.0.0.1", port=port, sender="Aircheck <air@example.org>", operator="ops@example.org")
    finally:
        office.stop()


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(loopback_certificate(tmp_path))
    return context


MAIL = Mail(to="ops@example.org", subject="Rooms", text="Hello")


# ---- the server


def test_a_mail_arrives(tmp_path: Path) -> None:
    postbox = Postbox()
    with post_office(postbox) as settings:
        send(Mail(to="ops@example.org", subject="Drei Räume", text="Zwölf Minuten\n.\nEnde"), settings)
    [mail] = postbox.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == ("Aircheck <air@example.org>", "ops@example.org", "Drei Räume")
    assert mail.get_content().split() == ["Zwölf", "Minuten", ".", "Ende"]
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Message-ID"].endswith("@example.org>")


def test_what_a_room_wrote_adds_no_header_and_no_person(tmp_path: Path) -> None:
    postbox = Postbox()
    evil = "Room\r\nBcc: everybody@example.org\r\n\r\n<script>\x00\u202e"
    with post_office(postbox) as settings:
        send(Mail(to="ops@example.org", subject=evil, text=f"{evil}\r\n.\r\nMAIL FROM:<x@example.org>"), settings)
    [mail] = postbox.mails
    assert mail["Bcc"] is None and mail["Subject"] == "Room Bcc: everybody@example.org <script>"
    assert "\u202e" not in mail.get_content() and mail.get_content_type() == "text/plain"
    assert len(postbox.mails) == 1


@pytest.mark.parametrize("name", ["to", "subject"])
def test_no_header_has_two_lines(name: str) -> None:
    mail = Mail(**{"to": "a@example.org", "subject": "s", "text": "t", name: "a@example.org\nX-Evil: 1"})
    assert "X-Evil" not in written(mail, "air@example.org")


def test_encryption_is_used_where_it_is_offered(tls: ssl.SSLContext) -> None:
    postbox = Postbox()
    with post_office(postbox, tls_context=tls) as settings:
        send(MAIL, settings)  # nobody vouches for the certificate: better than nothing all the same
    assert postbox.was_encrypted == [True]


def test_a_password_is_given_only_to_a_server_that_proves_who_it_is(tls: ssl.SSLContext, tmp_path: Path, monkeypatch: Any) -> None:
    postbox = Postbox()
    with post_office(postbox, tls_context=tls) as settings:
        with_login = settings.model_copy(update={"user": "air", "password": MailSettings(password="right").password})
        with pytest.raises(Hindered, match="certificate verify failed"):
            send(MAIL, with_login)
        assert postbox.logged_in == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "loopback.pem"))
        send(MAIL, with_login)
    assert postbox.logged_in == [(b"air", b"right")]


def test_a_password_that_is_wrong_is_waited_for_and_not_told(tmp_path: Path) -> None:
    with post_office(Postbox()) as settings:
        wrong = settings.model_copy(update={"user": "air", "password": MailSettings(password="hush-hush").password})
        with pytest.raises(Hindered, match=r"is away: 535 ") as told:
            send(MAIL, wrong)
    assert "hush" not in str(told.value)


def test_a_server_that_is_away_is_waited_for() -> None:
    with pytest.raises(Hindered, match=r"the mail server 127.0.0.1:1 is away") as told:
        send(MAIL, MailSettings(host="127.0.0.1", port=1, sender="air@example.org"))
    assert told.value.code == "mail_away"


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"RCPT": "550 no such person"}, Refused), ({"DATA": "554 no"}, Refused), ({"RCPT": "451 later"}, Hindered),
        ({"DATA": "452 full"}, Hindered),
    ],
)  # fmt: skip
def test_what_the_server_says_to_the_mail_decides(answers: dict[str, str], error: type[Exception]) -> None:
    with post_office(Postbox(**answers)) as settings, pytest.raises(error):
        send(MAIL, settings)


# ---- the notice


@pytest.fixture
def late(database: Database, send: Send) -> Callable[..., None]:
    """Rooms that ended long ago."""

    def ended(*names: str, **changed: Any) -> None:
        for name in names:
            send(f"EG_{name}", title=name, **changed)
        with database.begin() as session:
            session.execute(update(RecordingRow).values(received_at=db_now() - 2 * LONG_S))

    return ended


def told_by(house: House) -> Any:
    """The one mail job is claimed, done and settled, as a worker does it."""
    with house.database.begin() as session:
        session.execute(update(JobRow).where(JobRow.kind == "notify").values(next_at=db_now()))
    loop = WorkLoop(house.database, {"notify": lambda claim, heart: notify(house, claim, heart)}, ring=lambda _bell: None)
    assert loop.work_one("publish")
    with house.database.read() as session:
        return session.query(JobRow).filter_by(kind="notify", subject=LATE_ROOMS).one()


def with_mail(database: Database, folder: Path, settings: MailSettings) -> House:
    return a_house(database, folder, mail=settings.model_dump(), limits={"overdue_s": LONG_S})


def test_late_rooms_are_mailed_with_their_reasons(database: Database, tmp_path: Path, late: Callable[..., None]) -> None:
    postbox = Postbox()
    late("Tuesday talk", "Friday talk")
    with post_office(postbox) as settings:
        house = with_mail(database, tmp_path, settings)
        alarm(house)
        assert told_by(house).state == "done"
    [mail] = postbox.mails
    text = mail.get_content()
    assert mail["Subject"] == "Aircheck: 2 rooms cannot be heard yet"
    assert "* Tuesday talk, show tuesday" in text and "run EG_Friday talk" in text
    assert text.count("Nobody works at the queue audio.") == 2
    assert "aircheck runs --overdue" in text


def test_a_flood_is_one_mail_of_bearable_length(database: Database, tmp_path: Path, late: Callable[..., None]) -> None:
    postbox = Postbox()
    late(*(f"room {n}" for n in range(60)))
    with post_office(postbox) as settings:
        house = with_mail(database, tmp_path, settings)
        alarm(house)
        told_by(house)
    [mail] = postbox.mails
    assert mail["Subject"] == "Aircheck: 60 rooms cannot be heard yet"
    assert mail.get_content().count("\n* ") == 40 and "And 20 more." in mail.get_content()


def test_nothing_is_mailed_when_all_can_be_heard_by_then(database: Database, tmp_path: Path, late: Callable[..., None]) -> None:
    postbox = Postbox()
    late("Tuesday talk")
    with post_office(postbox) as settings:
        house = with_mail(database, tmp_path, settings)
        alarm(house)
        with database.begin() as session:
            session.execute(update(EpisodeRow).values(state="audible"))
        assert told_by(house).state == "done"
    assert postbox.mails == []


def test_without_a_mail_server_the_job_is_done_all_the_same(database: Database, tmp_path: Path, late: Callable[..., None]) -> None:
    late("Tuesday talk")
    house = with_mail(database, tmp_path, MailSettings(operator="ops@example.org"))
    alarm(house)
    assert told_by(house).state == "done"


def test_a_mail_that_cannot_go_out_waits(database: Database, tmp_path: Path, late: Callable[..., None]) -> None:
    late("Tuesday talk")
    house = with_mail(database, tmp_path, MailSettings(host="127.0.0.1", port=1, operator="ops@example.org"))
    alarm(house)
    job = told_by(house)
    assert (job.state, job.error_code, job.tries) == ("ready", "mail_away", 0)
    assert job.next_at > time.time()
