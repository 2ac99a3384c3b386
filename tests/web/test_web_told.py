"""What a creator is told about an episode, by a table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes_hands import done
from fakes_studio import invented_sound

from feeds.catalogue import Episode, StoredRendition, WordsInfo
from feeds.web.studio.cells import cells
from feeds.web.studio.files import attachment
from feeds.web.studio.notes import notes
from feeds.web.studio.strips import strips
from feeds.web.studio.told import about_span, span, told
from feeds.web.work import Failure, RunState
from pipeline.models import Chapter

NOW = datetime(2026, 11, 13, 7, 0, tzinfo=UTC)
MP3 = StoredRendition(
    format="mp3", key="late-build/aaaaaaaaaa/episode.mp3", mime_type="audio/mpeg", size_bytes=42_000_000, sha256="", sha384="",
    duration_s=3449, channels=1, bitrate_kbps=96, integrated_lufs=-19.0, true_peak_dbtp=-1.3,
)  # fmt: skip
BARE = Episode(
    guid="g", recording_id="r", slug="aaaaaaaaaa", show_slug="late-build", state="received", title="Thursday room", description="",
    language="", access="public", started_at=NOW, created_at=NOW, published_at=None, reason="", people=(), sound=None,
    renditions=(), chapters=(), words=None, words_key="",
)  # fmt: skip
AUDIBLE = replace(BARE, state="audible", sound=invented_sound(3480), renditions=(MP3,))
WORDS = WordsInfo(engine="faster_whisper", model="small", quality="full", language="en", why="", count=9522)
COMPLETE = replace(
    AUDIBLE, state="complete", words=WORDS, chapters=(Chapter(start_s=0, end_s=3480, title="Doors open", source="computed"),)
)
PUBLIC = replace(COMPLETE, published_at=NOW)


def run(phase: Any = "running", minutes_so_far: float = 1, **fields: Any) -> RunState:
    return RunState(recording_id="r", phase=phase, since=NOW - timedelta(minutes=minutes_so_far), **fields)


@pytest.mark.parametrize(
    ("episode", "state", "chip", "tone"),
    [
        (BARE, None, "Received", "running"),
        (BARE, run("waiting"), "Received", "running"),
        (BARE, run(stage="encode"), "Encoding", "running"),
        (BARE, run(stage="a-stage-of-tomorrow"), "Working", "running"),
        (AUDIBLE, run(stage="transcribe"), "Writing the words", "running"),
        (AUDIBLE, run("waiting"), "Words in line", "running"),
        (AUDIBLE, run(stage="transcribe", minutes_so_far=7, usual_s=(180, 240)), "Taking longer", "running"),
        (COMPLETE, None, "Held", "ink"),
        (replace(COMPLETE, reason="Sam has not agreed to be heard."), run("done"), "Something to check", "warn"),
        (replace(COMPLETE, access="private"), None, "Private", "outline"),
        (PUBLIC, run("done"), "Public since", "good"),
        (replace(PUBLIC, access="unlisted"), None, "With link", "outline"),
        (replace(PUBLIC, access="members"), None, "Members", "outline"),
        (replace(BARE, state="failed", reason="There is no sound in it."), None, "Could not finish", "bad"),
        (BARE, run("failed", failure=Failure(happened="a", safe="b", next="c", ref="d")), "Could not finish", "bad"),
        (BARE, run("cancelled"), "Stopped", "quiet"),
        (replace(PUBLIC, state="withdrawn"), None, "Unpublished", "quiet"),
    ],
)
def test_every_state_has_its_chip(episode: Episode, state: RunState | None, chip: str, tone: str) -> None:
    said = told(episode, state, NOW)
    assert (said.chip, said.tone) == (chip, tone)
    assert said.headline and (said.said or said.failure or said.is_live)


def test_while_words_are_written_the_creator_knows_how_long_it_takes() -> None:
    said = told(AUDIBLE, run(stage="transcribe", share_done=0.64, audio_s=3480, eta_s=(100, 130), usual_s=(185, 240)), NOW)
    assert said.headline == "Ready in about 2 minutes"
    assert (
        said.said == "You can listen now. The words are 37 minutes in. Rooms this long have taken 3 to 4 minutes on this machine."
    )


def test_nobody_is_told_to_listen_before_there_is_sound() -> None:
    assert "listen" not in told(BARE, run(stage="encode", eta_s=(20, 30)), NOW).said


def test_who_waits_is_told_that_there_is_nothing_to_do() -> None:
    assert told(BARE, run(stage="listen"), NOW).said == "There is nothing for you to do."


def test_what_takes_longer_says_so_and_that_nothing_is_lost() -> None:
    said = told(AUDIBLE, run(stage="transcribe", minutes_so_far=7, eta_s=(30, 60), usual_s=(180, 240)), NOW)
    assert said.headline == "Taking longer than usual"
    assert said.said == "You can listen now. 7 minutes so far, usually 3 to 4 minutes. Nothing is lost."


def test_a_failure_the_workers_forgot_is_told_from_the_episode() -> None:
    failure = told(replace(BARE, state="failed", reason="There is no sound in it."), None, NOW).failure
    assert failure is not None and failure.happened == "There is no sound in it." and "kept" in failure.safe


@pytest.mark.parametrize(
    ("range_s", "words"),
    [
        ((5, 20), "less than a minute"),
        ((20, 100), "less than a minute to 2 minutes"),
        ((100, 130), "about 2 minutes"),
        ((60, 120), "1 to 2 minutes"),
        ((185, 240), "3 to 4 minutes"),
        ((3500, 4200), "58 minutes to 1 hour 10 minutes"),
        ((3600, 3600), "about 1 hour"),
    ],
)
def test_lengths_are_told_as_people_say_them(range_s: tuple[float, float], words: str) -> None:
    assert about_span(range_s) == words
    assert span(range_s) == words.removeprefix("about ")


# ---- cells


def test_cells_tell_what_came_out_and_how_long_it_took() -> None:
    stages = done(
        "fetch", "probe", "arrange", "listen", "clean", "level", "encode", "verify", "upload", took_s=8, fetch="3 tracks, 214 MB"
    )
    shown = {
        cell.name: (cell.fact, cell.state)
        for cell in cells(AUDIBLE, run(stage="transcribe", share_done=0.5, audio_s=3449, done=stages))
    }
    assert shown == {
        "Fetched": ("58:00 of room, 8.0 s", "done"),
        "Checked": ("1.5 s lost, 16 s", "done"),
        "Levelled": ("Voices 22.6 LU apart, now 0.1, 24 s", "done"),
        "Encoded": ("MP3, 16 s", "done"),
        "Stored": ("42 MB, 8.0 s", "done"),
        "In the feed": ("", "waiting"),
        "Words": ("28:44 of 57:29", "now"),
        "Chapters": ("", "waiting"),
    }


def test_cells_of_a_finished_episode_need_no_run() -> None:
    shown = cells(PUBLIC, None)
    assert {cell.state for cell in shown} == {"done"}
    assert [cell.fact for cell in shown][-3:] == ["Everyone can hear it", "9,522 words", "1 chapter"]


def test_what_took_no_time_says_no_time_and_no_words_need_no_chapters() -> None:
    wordless = replace(PUBLIC, words=replace(WORDS, quality="none", count=0, why="no model"), chapters=())
    shown = {cell.name: cell.fact for cell in cells(wordless, run("done", done=done("fetch", "publish", took_s=0.01)))}
    assert shown["In the feed"] == "Everyone can hear it" and shown["Words"] == "None" and shown["Chapters"] == "None"
    assert {note.heading: note.fact for note in notes(wordless).to_know}["No words yet"] == "No model."


def test_nothing_is_claimed_of_an_episode_before_its_rows_say_so() -> None:
    ended = done("fetch", "probe", "arrange", "listen", "level", "encode", "verify", fetch="3 tracks, 214 MB")
    shown = {cell.name: cell.fact for cell in cells(BARE, run(stage="upload", done=ended))}
    assert shown["Fetched"] == "3 tracks, 214 MB, 2.0 s" and shown["Encoded"] == "4.0 s" and shown["Chapters"] == ""


def test_the_cell_that_failed_is_marked() -> None:
    shown = {cell.name: cell.state for cell in cells(BARE, run("failed", stage="probe", done=done("fetch")))}
    assert shown["Fetched"] == "done" and shown["Checked"] == "failed" and shown["Levelled"] == "waiting"


def test_one_voice_is_told_by_its_own_loudness() -> None:
    sound = AUDIBLE.sound
    assert sound is not None
    alone = replace(AUDIBLE, sound=replace(sound, voices=sound.voices[1:2]))
    assert next(cell.fact for cell in cells(alone, None) if cell.name == "Levelled") == "−23.4 to −19.1 LUFS"


def test_a_silent_room_is_said_to_be_silent() -> None:
    silent = replace(AUDIBLE, renditions=(replace(MP3, integrated_lufs=None, true_peak_dbtp=None),))
    assert "Silent from start to end" in [note.heading for note in notes(silent).to_know]


def test_what_was_lost_and_cut_is_told_with_figures() -> None:
    known = {note.heading: note.fact for note in notes(COMPLETE).to_know}
    assert known["1.5 s missing at 41:07"] == "Jonas's connection dropped packets."
    assert known["31 seconds cut"] == "Silence before the room began. The original is kept."
    assert known["Sound is even"] == "−19.0 LUFS, peak −1.3 dB"


def test_draft_words_are_called_a_draft() -> None:
    draft = replace(
        COMPLETE, words=replace(WORDS, quality="draft", engine="pocketsphinx", model="", why="No Whisper model is here.")
    )
    known = {note.heading: note.fact for note in notes(draft).to_know}
    assert known["The words are a draft"] == "Written by pocketsphinx. No Whisper model is here."


# ---- strips


def test_the_strip_is_grey_where_words_are_still_to_be_written() -> None:
    drawn = strips(AUDIBLE, run(stage="transcribe", share_done=0.25)).wide
    assert drawn.lit == pytest.approx(drawn.width / 4, rel=0.01)
    assert strips(AUDIBLE, run("waiting")).wide.lit == 0
    assert strips(COMPLETE, run(stage="chapter")).share == strips(COMPLETE, None).share == strips(AUDIBLE, run("failed")).share == 1


def test_before_there_is_sound_nothing_is_invented() -> None:
    drawn = strips(BARE, run(stage="listen")).wide
    assert drawn.lit == 0 and drawn.knots == "" and 'class="rest"' in drawn.inside


# ---- names of files


@pytest.mark.parametrize(
    ("title", "file", "plain", "full"),
    [
        ("What the outage taught us", "episode.mp3", "What the outage taught us.mp3", "What%20the%20outage%20taught%20us.mp3"),
        ("Über Ängste", "transcript.vtt", "Uber Angste - transcript.vtt", "%C3%9Cber%20%C3%84ngste%20-%20transcript.vtt"),
        ("夜の部屋", "episode.m4a", "episode.m4a", "%E5%A4%9C%E3%81%AE%E9%83%A8%E5%B1%8B.m4a"),
        ('a"b\\c/d\r\nX: y', "chapters.json", "a b c d X y - chapters.json", "a%20b%20c%20d%20X%20y%20-%20chapters.json"),
        ("...", "episode.opus", "episode.opus", "episode.opus"),
    ],
)
def test_a_download_is_named_after_its_episode(title: str, file: str, plain: str, full: str) -> None:
    assert attachment(title, file) == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"
