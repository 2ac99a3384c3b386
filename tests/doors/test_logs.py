"""Logs: one event a line, with figures, and never anything that gives access."""

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from workers.logs import redacted, set_up


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_its_figures() -> None:
    out = io.StringIO()
    set_up(stream=out)
    structlog.contextvars.bind_contextvars(recording="EG_abc")
    structlog.get_logger("aircheck").info("levelled", voices=4, target_lufs=-19.0)
    (line,) = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "levelled",
        "level": "info",
        "logger": "aircheck",
        "recording": "EG_abc",
        "voices": 4,
        "target_lufs": -19.0,
    }


def test_libraries_write_the_same_lines_and_the_chatty_ones_are_quiet() -> None:
    out = io.StringIO()
    set_up(stream=out)
    logging.getLogger("some.library").warning("it is %s", "late", extra={"took_s": 3})
    logging.getLogger("httpx").info("GET")
    (line,) = lines(out)
    assert (line["event"], line["level"], line["took_s"]) == ("it is late", "warning", 3)


SECRETS = {
    "https://b.s3/x?X-Amz-Credential=AKIAHUSH&X-Amz-Signature=HUSH&x=1": "x=1",
    "GET /private/HUSHhush0123456789/feed.xml": "/feed.xml",
    "postgresql://me:HUSH@host/db": "postgresql://me:…@host/db",
    "Authorization: HUSH.HUSH.HUSH": "Authorization",
    "{'authorization': 'Bearer HUSH'}": "authorization",
    "called with Bearer HUSH.x-y": "called with",
    "/studio/login?token=HUSH&next=/": "next=/",
    "known-HUSH-secret in the middle": "in the middle",
}


@pytest.mark.parametrize("text", SECRETS)
def test_what_gives_access_is_in_no_line(text: str) -> None:
    out = io.StringIO()
    set_up(stream=out, secrets=["known-HUSH-secret"])
    log = structlog.get_logger()
    log.info("asked", address=text, nested={"list": [text, text.encode()]})
    logging.getLogger("library").warning("asked %s", text)
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("failed")
    assert "hush" not in re.sub("HUSH", "hush", out.getvalue())
    assert len(lines(out)) == 3
    assert SECRETS[text] in redacted(text, ["known-HUSH-secret"])


def test_a_title_cannot_forge_a_line_or_colour_the_screen() -> None:
    out = io.StringIO()
    set_up(stream=out)
    structlog.get_logger().info("received", title='x\r\n{"event": "forged"}\x1b[31m\u202e' + "z" * 1_000_000)
    assert len(out.getvalue().splitlines()) == 1
    assert len(out.getvalue()) < 5000
    assert "\x1b" not in out.getvalue() and "\u202e" not in out.getvalue()


def test_a_person_gets_readable_lines() -> None:
    out = io.StringIO()
    set_up(stream=out, as_json=False)
    structlog.get_logger().warning("not taken", path="a.mp3")
    assert re.search(r"warning\s*\] not taken\s+.*path=a\.mp3", out.getvalue())


def test_lines_go_to_stderr_for_stdout_is_for_data(capsys: pytest.CaptureFixture[str]) -> None:
    set_up()
    structlog.get_logger().info("levelled")
    sys.stderr.flush()
    captured = capsys.readouterr()
    assert captured.out == "" and "levelled" in captured.err
