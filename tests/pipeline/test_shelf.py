import sys

import pytest

from pipeline.errors import Refused
from pipeline.shelf import names, take


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> str:
    """A shelf with two plugs and a helper, one of which needs a library that is not here."""
    folder = tmp_path / "made_shelf"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "plain.py").write_text("WORD = 'plain'")
    (folder / "needy.py").write_text("import a_library_that_nobody_has")
    (folder / "_helper.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    for module in [name for name in sys.modules if name.startswith("made_shelf")]:
        monkeypatch.delitem(sys.modules, module)
    return "made_shelf"


def test_a_name_is_a_file_and_helpers_are_none(shelf):
    assert names(shelf) == ("needy", "plain")
    assert take(shelf, "plain").WORD == "plain"


def test_a_missing_library_harms_only_who_names_it(shelf):
    assert take(shelf, "plain")
    with pytest.raises(ModuleNotFoundError):
        take(shelf, "needy")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("plian", "did you mean plain"),
        ("zzz", "known: needy, plain"),
        ("_helper", "known"),
        ("../plain", "there is no"),
        ("", "there is no"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(shelf, name, hint):
    with pytest.raises(Refused, match=hint) as refusal:
        take(shelf, name)
    assert refusal.value.code == "unknown_name"
