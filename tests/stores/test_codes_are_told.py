"""Whoever meets a code of a store finds it in the documents."""

import re
from pathlib import Path

import pipeline.stores

DOCUMENT = Path(__file__).parents[2] / "docs" / "operating.md"
# a code and its advice, as the words of S3 have them, or a code alone
PAIR, ALONE = re.compile(r'(?:\(|return )"([a-z_]+)", f?"'), re.compile(r'code ?= ?"([a-z_]+)"(?: if .* else "([a-z_]+)")?')


def codes_raised() -> set[str]:
    shelf = Path(pipeline.stores.__file__).parent
    alone = {code for path in shelf.rglob("*.py") for found in ALONE.findall(path.read_text()) for code in found if code}
    return alone | set(PAIR.findall((shelf / "s3" / "words.py").read_text()))


def codes_told() -> set[str]:
    table = DOCUMENT.read_text().partition("## When a store is in the way")[2].partition("\n## ")[0]
    return {code for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for code in re.findall(r"`([a-z_]+)`", row)}


def test_every_code_of_a_store_is_told_and_no_other() -> None:
    assert codes_raised() == codes_told()
