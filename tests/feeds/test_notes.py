"""Notes as the HTML that podcast apps show."""

import pytest
from fakes_feeds import CHAPTERS, HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from feeds.notes import MOST_BYTES, notes, plain, sanitised, web_address
from pipeline.models import Chapter
from pipeline.text import clean_line


def test_notes_are_paragraphs_and_chapters_with_their_times() -> None:
    stamp = '2:10 <a href="https://example.org/flour?a=1&amp;b=2">Flour &amp; water &lt;1 kg&gt;</a>'
    assert notes("One.\n\nTwo.", CHAPTERS[1:2]) == f"<p>One.</p><p>Two.</p><ul><li>{stamp}</li></ul>"


def test_an_address_becomes_a_link_without_the_mark_behind_it() -> None:
    assert (
        notes("See (https://example.org/a_b).", ()) == '<p>See (<a href="https://example.org/a_b">https://example.org/a_b</a>).</p>'
    )


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//example.org", "https://", 'https://a" onclick="x', ""]
)
def test_what_does_not_lead_to_the_web_is_no_address(address: str) -> None:
    assert web_address(address) == ""


def test_too_long_a_text_leaves_room_for_chapters() -> None:
    html = notes("word " * 3000, CHAPTERS)
    assert len(html.encode()) <= MOST_BYTES and html.endswith("</ul>")


def test_of_too_many_chapters_the_last_are_left_out() -> None:
    many = [Chapter(start_s=n, end_s=n + 1, title="Long chapter title " * 5, source="pinned") for n in range(200)]
    html = notes("", many)
    assert len(html.encode()) <= MOST_BYTES and html.count("<li>") > 10


def test_a_long_text_is_cut_between_letters() -> None:
    assert plain("ü" * 5000, 100) == "ü" * 48 + "…"


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=500), st.text("<>&\"'/abhttps:.-\n", max_size=300)))
def test_notes_are_small_and_safe_whatever_was_written(text: str) -> None:
    html = notes(text, [Chapter(start_s=0, end_s=1, title=clean_line(text), source="pinned", url=text)])
    assert sanitised(html) == html
    assert len(html.encode()) <= MOST_BYTES
