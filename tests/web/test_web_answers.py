"""What is answered about an object, decided without one."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from feeds.web.answers import answer
from pipeline.stores import Stat

SOUND = Stat(
    key="late-build/aaaaaaaaaa/episode.mp3", size_bytes=1000, mime_type="audio/mpeg", etag='"abc"', sha256="",
    modified_at=datetime(2026, 11, 13, 7, 0, 0, 250_000, tzinfo=UTC), cache_control="public, max-age=300",
)  # fmt: skip
TEXT = replace(SOUND, key="late-build/feed.xml", mime_type="application/rss+xml; charset=utf-8", size_bytes=4000)
DATE = "Fri, 13 Nov 2026 07:00:00 GMT"


@pytest.mark.parametrize(
    ("wanted", "span", "content_range"),
    [
        ("bytes=0-0", (0, 1), "bytes 0-0/1000"),
        ("bytes=0-499", (0, 500), "bytes 0-499/1000"),
        ("bytes=500-", (500, 1000), "bytes 500-999/1000"),
        ("bytes=500-5000", (500, 1000), "bytes 500-999/1000"),
        ("bytes=-3", (997, 1000), "bytes 997-999/1000"),
        ("bytes=-5000", (0, 1000), "bytes 0-999/1000"),
        ("bytes=999-999", (999, 1000), "bytes 999-999/1000"),
    ],
)
def test_one_range_is_answered_with_exactly_those_bytes(wanted: str, span: tuple[int, int], content_range: str) -> None:
    reply = answer(SOUND, "GET", {"range": wanted})
    assert (reply.status, reply.span, reply.headers["Content-Range"]) == (206, span, content_range)


@pytest.mark.parametrize("wanted", ["bytes=1000-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_outside_the_file_is_refused_with_its_size(wanted: str) -> None:
    reply = answer(SOUND, "GET", {"range": wanted})
    assert (reply.status, reply.span, reply.headers["Content-Range"]) == (416, None, "bytes */1000")


def test_every_range_of_an_empty_file_is_refused() -> None:
    assert answer(replace(SOUND, size_bytes=0), "GET", {"range": "bytes=0-"}).headers["Content-Range"] == "bytes */0"


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=0-1,5-6",
        "bytes=9-3",
        "items=0-1",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=0-1-2",
        "bytes=１-２",
        "bytes=" + "9" * 40 + "-",
    ],
)
def test_several_ranges_and_nonsense_get_the_whole(wanted: str) -> None:
    reply = answer(SOUND, "GET", {"range": wanted})
    assert (reply.status, reply.span) == (200, (0, 1000))


def test_head_knows_no_ranges() -> None:
    assert answer(SOUND, "HEAD", {"range": "bytes=0-1"}).status == 200


@pytest.mark.parametrize("known", ['"abc"', 'W/"abc"', '"x", "abc"', "*"])
def test_who_has_it_is_told_that_it_is_unchanged(known: str) -> None:
    reply = answer(SOUND, "GET", {"if-none-match": known})
    assert (reply.status, reply.span) == (304, None)
    assert reply.headers["ETag"] == '"abc"' and reply.headers["Cache-Control"] == "public, max-age=300"
    assert "Content-Type" not in reply.headers


def test_a_known_etag_outweighs_a_date() -> None:
    assert answer(SOUND, "GET", {"if-none-match": '"other"', "if-modified-since": DATE}).status == 200


@pytest.mark.parametrize(
    ("since", "status"),
    [(DATE, 304), ("Sat, 14 Nov 2026 07:00:00 GMT", 304), ("Thu, 12 Nov 2026 07:00:00 GMT", 200), ("yesterday", 200), ("", 200)],
)
def test_a_date_is_compared_by_whole_seconds(since: str, status: int) -> None:
    assert answer(SOUND, "GET", {"if-modified-since": since}).status == status


@pytest.mark.parametrize(
    ("condition", "status"), [('"abc"', 206), (DATE, 206), ('"old"', 200), ('W/"abc"', 200), ("nonsense", 200)]
)
def test_a_range_holds_only_for_the_file_it_was_asked_of(condition: str, status: int) -> None:
    assert answer(SOUND, "GET", {"range": "bytes=0-9", "if-range": condition}).status == status


def test_dates_are_written_as_http_wants_them() -> None:
    assert answer(SOUND, "GET", {}).headers["Last-Modified"] == DATE


# ---- compressed


def test_text_is_compressed_for_those_who_say_so_under_an_etag_of_its_own() -> None:
    reply = answer(TEXT, "GET", {"accept-encoding": "br, gzip"})
    assert reply.gzipped and reply.headers["Content-Encoding"] == "gzip"
    assert reply.headers["ETag"] == '"abc-gzip"' and reply.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.0", "identity", "*;q=0"])
def test_others_get_it_plain(accepted: str) -> None:
    reply = answer(TEXT, "GET", {"accept-encoding": accepted})
    assert not reply.gzipped and reply.headers["ETag"] == '"abc"' and reply.headers["Vary"] == "Accept-Encoding"


def test_a_compressed_copy_is_known_by_its_own_etag_only() -> None:
    asked = {"accept-encoding": "gzip"}
    assert answer(TEXT, "GET", {**asked, "if-none-match": '"abc-gzip"'}).status == 304
    assert answer(TEXT, "GET", {**asked, "if-none-match": '"abc"'}).status == 200
    assert answer(TEXT, "GET", {"if-none-match": '"abc-gzip"'}).status == 200


def test_a_part_of_a_text_is_never_compressed() -> None:
    reply = answer(TEXT, "GET", {"accept-encoding": "gzip", "range": "bytes=0-9"})
    assert (reply.status, reply.gzipped, reply.headers["ETag"]) == (206, False, '"abc"')


def test_sound_is_never_compressed() -> None:
    reply = answer(SOUND, "GET", {"accept-encoding": "gzip"})
    assert not reply.gzipped and "Vary" not in reply.headers


def test_a_few_bytes_are_not_worth_compressing() -> None:
    assert not answer(replace(TEXT, size_bytes=80), "GET", {"accept-encoding": "gzip"}).gzipped
