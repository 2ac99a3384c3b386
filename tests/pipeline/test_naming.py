"""What a file is called when people save it."""

from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.naming import disposition, file_name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Late Build - What the outage taught us", "Late Build - What the outage taught us.mp3"),
        ("Über Ängste", "Über Ängste.mp3"), ("夜の部屋", "夜の部屋.mp3"), ("AC/DC: live?", "AC DC live.mp3"),
        ("../../etc/passwd", "etc passwd.mp3"),
        ("...", "episode.mp3"), ("", "episode.mp3"), (".hidden", "hidden.mp3"), ("a\r\nX: y\u202e", "a X y.mp3"),
    ],
)  # fmt: skip
def test_a_title_becomes_a_name_that_every_system_can_keep(title: str, name: str) -> None:
    assert file_name(title, ".mp3") == name


def test_a_long_title_is_cut() -> None:
    assert len(file_name("word " * 200, ".mp3")) <= 130


@pytest.mark.parametrize(
    ("filename", "plain", "full"),
    [
        ("Night - One.mp3", "Night - One.mp3", "Night%20-%20One.mp3"),
        ("Über Ängste.mp3", "Uber Angste.mp3", "%C3%9Cber%20%C3%84ngste.mp3"),
        ("夜 - 部屋.m4a", "episode.m4a", "%E5%A4%9C%20-%20%E9%83%A8%E5%B1%8B.m4a"),
        ("wide\uff02\uff1b \uff0f.mp3", "wide;.mp3", "wide%EF%BC%82%EF%BC%9B%20%EF%BC%8F.mp3"),
        ("no ending", "no ending", "no%20ending"),
        ("100% ; 'real'.mp3", "100% ; 'real'.mp3", "100%25%20%3B%20%27real%27.mp3"),
    ],
)
def test_it_is_told_in_plain_letters_and_in_full(filename: str, plain: str, full: str) -> None:
    assert disposition(filename) == f"inline; filename=\"{plain}\"; filename*=UTF-8''{full}"
    assert disposition(filename, "attachment").startswith("attachment; ")


def test_no_name_is_nothing_to_tell() -> None:
    assert disposition("") == ""


@given(st.text())
def test_no_title_breaks_the_header_or_leads_elsewhere(title: str) -> None:
    told = disposition(file_name(title, ".mp3"))
    assert told.isascii() and told.isprintable()
    message = Message()
    message["Content-Disposition"] = told
    name = message.get_filename() or ""
    assert name.endswith(".mp3") and not name.startswith(".")
    assert not set(name) & set('/\\:"<>|?*')
