import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text import clean_block, clean_line, slug


@pytest.mark.parametrize(
    ("given_", "cleaned"),
    [
        ("  two \t words\n\n", "two words"),
        ("bell\a null\0 escape\x1b[31m", "bell null escape[31m"),
        ("txt.\u202egpj", "txt.gpj"),
        ("zero\u200bwidth \ufeffmark", "zerowidth mark"),
        ("lone \ud800 surrogate \uffff", "lone surrogate"),
        ("e\u0301", "é"),
        ("क्‍ष 👩\u200d👩", "क्‍ष 👩\u200d👩"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
    ],
    ids=["spaces", "controls", "direction", "invisible", "surrogates", "composed", "joiners stay", "markup is text"],
)
def test_a_line_is_cleaned_at_the_door(given_, cleaned):
    assert clean_line(given_) == cleaned


def test_a_long_line_ends_at_a_word():
    line = clean_line("word " * 100, limit=32)
    assert line == "word word word word word word…" and len(line) <= 32
    assert clean_line("x" * 99, limit=10) == "x" * 9 + "…"


@given(st.text(max_size=600), st.integers(2, 300))
def test_whatever_comes_in_a_line_comes_out(text, limit):
    line = clean_line(text, limit)
    assert len(line) <= limit and "\n" not in line and line == line.strip()
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in line)
    line.encode()


@given(st.text(max_size=300))
def test_cleaning_twice_changes_nothing(text):
    assert clean_line(clean_line(text)) == clean_line(text)


def test_a_block_keeps_its_paragraphs():
    assert clean_block(" one \r\ntwo\n\n\n\n\nthree\0 ") == "one\ntwo\n\nthree"
    assert len(clean_block("x" * 9000)) == 4000


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Tuesday Room!", "tuesday-room"),
        ("Überall & nirgends", "uberall-nirgends"),
        ("../../etc/passwd", "etc-passwd"),
        ("日本", "show"),
        ("-" * 9, "show"),
    ],
)
def test_a_slug_is_safe_in_an_address_and_a_path(text, made):
    assert slug(text) == made


@given(st.text())
def test_every_slug_is_one(text):
    made = slug(text)
    assert 1 <= len(made) <= 64 and made.isascii() and made == made.lower() and "--" not in made and made.strip("-") == made
