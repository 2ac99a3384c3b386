"""Walks the shelf of formats: every name keeps its contract."""

import re

import pytest

from pipeline.errors import Refused
from pipeline.formats import named
from pipeline.shelf import names

ALL = names("pipeline.formats")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("effort", ["fast", "quality"])
def test_a_format_says_how_it_is_made(name, channels, effort):
    one = named(name)
    recipe = one.recipe(channels, effort)
    assert re.fullmatch(r"\.[a-z0-9]+", one.SUFFIX) and one.MIME_TYPE.startswith("audio/")
    assert recipe.codec and recipe.container
    assert recipe.bitrate_kbps is None or recipe.bitrate_kbps >= 32 * channels


def test_no_two_formats_share_an_address():
    assert len({named(name).SUFFIX for name in ALL}) == len(ALL)


def test_a_name_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(Refused, match="did you mean opus"):
        named("opuss")
