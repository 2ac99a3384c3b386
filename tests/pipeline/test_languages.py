import pytest

from pipeline.languages import three_letters


@pytest.mark.parametrize(
    ("tag", "letters"),
    [
        ("de", "deu"), ("de-CH", "deu"), ("EN-gb", "eng"), ("zh-Hant-TW", "zho"), ("haw", "haw"), ("yue", "yue"), ("jw", "jav"),
        ("", ""), ("qq", ""), ("germany", ""), ("日本語", ""), ("\ud800", ""),
    ],
)  # fmt: skip
def test_a_language_has_three_letters_or_none(tag, letters):
    assert three_letters(tag) == letters
