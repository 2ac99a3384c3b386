import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.errors import Refused
from pipeline.journal import Journal, files_in, key_of, place, write_whole
from pipeline.models import MadeFile


@dataclass(frozen=True, kw_only=True)
class Made:
    file: MadeFile
    loudness: float | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    target: float = -19.0


def brew(source: MadeFile, plan: Plan, *, log: list[str], folder: Path) -> Made:
    log.append(source.path.name)
    target = folder / "brewed"
    target.write_text(f"{source.sha256} {plan.target}")
    return Made(file=MadeFile.of(target), loudness=plan.target)


def refuse(*, log: list[str]) -> int:
    log.append("tried")
    raise Refused("never")


@pytest.fixture
def source(tmp_path) -> MadeFile:
    (tmp_path / "source").write_text("beans")
    return MadeFile.of(tmp_path / "source")


@pytest.fixture
def journal(tmp_path) -> Journal:
    return Journal(tmp_path / "notes")


def test_work_done_is_not_done_again(journal, source, tmp_path):
    log: list[str] = []
    first = journal.once(brew, source, Plan(), log=log, folder=tmp_path)
    again = Journal(journal.folder).once(brew, source, Plan(), log=log, folder=tmp_path)
    assert again == first and log == ["source"]


def test_another_option_or_other_content_is_other_work(journal, source, tmp_path):
    log: list[str] = []
    journal.once(brew, source, Plan(), log=log, folder=tmp_path)
    journal.once(brew, source, Plan(target=-16.0), log=log, folder=tmp_path)
    journal.once(brew, replace(source, sha256="other"), Plan(), log=log, folder=tmp_path)
    assert len(log) == 3


def test_the_same_bytes_under_another_name_are_the_same_work(journal, source, tmp_path):
    log: list[str] = []
    journal.once(brew, source, Plan(), log=log, folder=tmp_path)
    moved = replace(source, path=tmp_path / "elsewhere")
    journal.once(brew, moved, Plan(), log=log, folder=tmp_path)
    assert log == ["source"]


def test_a_note_whose_file_is_gone_or_cut_off_is_no_note(journal, source, tmp_path):
    log: list[str] = []
    made = journal.once(brew, source, Plan(), log=log, folder=tmp_path)
    made.file.path.write_text("cut")
    journal.once(brew, source, Plan(), log=log, folder=tmp_path)
    made.file.path.unlink()
    journal.once(brew, source, Plan(), log=log, folder=tmp_path)
    assert len(log) == 3


@pytest.mark.parametrize("content", [b"", b"{", b'{"file": 1}', b"\xff\xfe"], ids=["empty", "half", "wrong", "no text"])
def test_a_note_that_cannot_be_read_costs_only_time(journal, source, tmp_path, content):
    log: list[str] = []
    made = journal.once(brew, source, Plan(), log=log, folder=tmp_path)
    (note,) = journal.folder.glob("brew-*.json")
    note.write_bytes(content)
    assert journal.once(brew, source, Plan(), log=log, folder=tmp_path) == made and len(log) == 2
    assert json.loads(note.read_text())["loudness"] == -19.0


def test_a_step_that_fails_leaves_no_note(journal):
    log: list[str] = []
    for _ in range(2):
        with pytest.raises(Refused):
            journal.once(refuse, log=log)
    assert log == ["tried", "tried"] and not list(journal.folder.iterdir())


def test_a_path_is_no_content(source):
    with pytest.raises(TypeError, match="pass a MadeFile"):
        key_of(brew, (source.path,))


def test_each_plan_has_a_place_of_its_own(tmp_path, source):
    one, two = place(tmp_path, brew, source, Plan()), place(tmp_path, brew, source, Plan(target=-16.0))
    assert one != two and one.is_dir() and place(tmp_path, brew, source, Plan()) == one


def test_files_are_found_however_deep_they_lie(source):
    assert files_in({"a": [(Made(file=source), 3)], "b": None}) == [source]


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "note"
    write_whole(target, b"first")
    write_whole(target, b"second")
    assert target.read_bytes() == b"second" and [p.name for p in tmp_path.iterdir()] == ["note"]
