"""Words, chapters and their documents come out of the whole road; without a model the episode stands without them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import feedparser
import pytest
import srt
import webvtt
from mutagen.id3 import ID3

from workers.settings import Settings, under


def words_inside(made: Any) -> str:
    """Those that its MP3 holds."""
    return "".join(frame.text for frame in ID3(made["renditions"][0]["path"]).getall("USLT"))


def test_full_words_are_published_in_every_form(aircheck: Any, room: Path, model: Path) -> None:
    aircheck.environment["AIRCHECK_SPEECH__MODEL"] = str(model)

    made = aircheck("produce", room, "--show", "words", "--json").data

    assert made["transcript"]["engine"] == "faster_whisper"
    assert made["transcript"]["quality"] == "full"
    paths = {Path(d["path"]).name: Path(d["path"]) for d in made["documents"]}
    assert {"transcript.vtt", "transcript.srt", "transcript.json", "transcript.html", "transcript.txt"} <= set(paths)
    captions = webvtt.read(str(paths["transcript.vtt"]))
    assert "night train" in captions[0].text
    assert captions[0].voice in {"Laura Lindqvist", "Daniel Reyes", "Gordon Reid"}
    assert list(srt.parse(paths["transcript.srt"].read_text()))
    assert json.loads(paths["transcript.json"].read_text())["segments"]
    entry = feedparser.parse(made["feed"]["path"]).entries[0]
    assert entry.podcast_transcript
    page = (Path(made["feed"]["path"]).parent / Path(made["renditions"][0]["path"]).parent.name / "index.html").read_text()
    assert "The night train leaves at nine" in page
    assert "night train" in words_inside(made)


def test_an_episode_without_words_gets_them_when_a_model_has_appeared(
    aircheck: Any, start: Any, brief_room: Path, model: Path
) -> None:
    aircheck("show", "add", "night-shift")
    with start(roots=brief_room.parent) as up:
        run = up.post({**json.loads((brief_room / "room.json").read_text()), "root": str(brief_room)}).json()["run"]
        up.until(lambda: up.run_state(run) == "done")
        assert up.words_of(run) == "none"

    aircheck.environment["AIRCHECK_SPEECH__MODEL"] = str(model)
    with start(roots=brief_room.parent) as up:
        up.until(lambda: up.words_of(run) == "full")
        up.until(lambda: up.run_state(run) == "done")
    assert [words["quality"] for words in aircheck("episode", "show", run, "--json").data["words"]] == ["full"]


def test_a_draft_is_labelled_and_kept_private_unless_the_show_says_otherwise(aircheck: Any, brief_room: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    aircheck.environment["AIRCHECK_SPEECH__ENGINE"] = "pocketsphinx"

    private = aircheck("produce", brief_room, "--out", "private", "--json").data
    aircheck.environment["AIRCHECK_SPEECH__DRAFTS"] = "public"
    public = aircheck("produce", brief_room, "--show", "drafts", "--json").data

    assert private["transcript"]["quality"] == public["transcript"]["quality"] == "draft"
    assert not [d for d in private["documents"] if d["kind"] == "transcript"]
    assert [d for d in public["documents"] if d["kind"] == "transcript"]
    page = Path(public["renditions"][0]["path"]).with_name("index.html").read_text()
    assert "draft" in page.lower()
    assert words_inside(public).startswith("Draft transcript") and not words_inside(private)
    left = under(aircheck.folder / "aircheck-out", Settings())
    aircheck.environment |= {
        "AIRCHECK_DATA_DIR": str(left.data_dir), "AIRCHECK_DATABASE_URL": left.database_url,
        "AIRCHECK_STORE__URL": left.store.url, "AIRCHECK_STORE__PRIVATE_URL": left.store.private_url,
    }  # fmt: skip
    aircheck("show", "edit", "drafts", "--drafts", "private")
    assert not words_inside(public) and not Path(public["renditions"][0]["path"]).with_name("transcript.txt").exists()


def test_chapters_are_found_in_our_own_and_in_foreign_transcripts(aircheck: Any, tmp_path: Path) -> None:
    spoken = {"segments": [{"startTime": 0.0, "endTime": 2.0, "body": "Too short for chapters."}]}
    (tmp_path / "words.json").write_text(json.dumps(spoken))

    assert aircheck("chapters", tmp_path / "words.json", "--json").data == {"version": "1.2.0", "chapters": []}
    (tmp_path / "broken.json").write_text("{")
    assert "no JSON" in aircheck("chapters", tmp_path / "broken.json", status=3).err


def test_pinned_topics_are_chapters_with_their_links_even_without_words(produced: Any) -> None:
    pinned = [chapter for chapter in produced["chapters"] if chapter["source"] == "pinned"]
    assert [chapter["url"] for chapter in pinned if chapter["url"]]
    assert produced["chapters"][0]["start_s"] == 0.0


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="ffprobe is not installed")
def test_chapters_lie_inside_the_files_too(produced: Any) -> None:
    for rendition in produced["renditions"]:
        said = subprocess.run(
            ["ffprobe", "-v", "error", "-show_chapters", "-of", "json", rendition["path"]],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        inside = [float(chapter["start_time"]) for chapter in json.loads(said.stdout)["chapters"]]
        assert inside == pytest.approx([chapter["start_s"] for chapter in produced["chapters"]], abs=0.1), rendition["path"]
