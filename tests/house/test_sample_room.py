"""The sample room is what it claims to be."""

import hashlib
from datetime import datetime
from itertools import pairwise

import numpy as np
import pyloudnorm
import pytest
from sample_room import FILES, MANIFEST, ROOM, TRUTH, decoded, sound_of, turns_of

RATE_HZ = 16_000
LEVELS_LUFS = {"laura": -18, "daniel": -33, "gordon": -14, "victor": -25}


def level_dbfs(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-12))


def test_it_fits_into_the_wheel():
    assert sum(file.stat().st_size for file in ROOM.rglob("*") if file.is_file()) <= 3_000_000


def test_it_lasts_ten_to_twelve_minutes():
    room = MANIFEST["room"]
    lasted = datetime.fromisoformat(room["ended_at"]) - datetime.fromisoformat(room["started_at"])
    assert 600 <= lasted.total_seconds() <= 720
    assert lasted.total_seconds() == pytest.approx(TRUTH["length_s"])


@pytest.mark.parametrize("identity", LEVELS_LUFS)
def test_every_track_is_the_file_that_the_manifest_names(identity):
    file = FILES[identity]
    content = (ROOM / file["path"]).read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size"], file["sha256"])
    assert len(decoded(identity, RATE_HZ)) / RATE_HZ == pytest.approx(file["duration"], abs=0.02)


@pytest.mark.parametrize(("identity", "wanted_lufs"), LEVELS_LUFS.items())
def test_every_voice_has_the_level_it_should(identity, wanted_lufs):
    measured = pyloudnorm.Meter(RATE_HZ).integrated_loudness(decoded(identity, RATE_HZ).astype(np.float64))
    assert measured == pytest.approx(wanted_lufs, abs=1)


def test_one_microphone_clips_and_one_hums():
    loudest = np.abs(decoded("gordon", 48_000))
    assert 0.000_05 < np.mean(loudest > 0.95) < 0.01
    spectrum = np.abs(np.fft.rfft(decoded("victor", RATE_HZ)[-10 * RATE_HZ :]))
    assert np.argmax(spectrum) / 10 == pytest.approx(50, abs=0.2)


def test_both_ends_are_room_tone_for_twenty_seconds_and_more():
    host, length_s = decoded("laura", RATE_HZ), TRUTH["length_s"]
    assert TRUTH["first_word_s"] >= 20
    assert length_s - TRUTH["last_word_s"] >= 20
    for end in (host[: 20 * RATE_HZ], host[-20 * RATE_HZ :]):
        assert -75 < level_dbfs(end) < -50


def test_one_is_late_and_one_leaves_early():
    spans = {identity: (file["start_offset"], file["start_offset"] + file["duration"]) for identity, file in FILES.items()}
    assert spans["victor"][0] > 300
    assert spans["gordon"][1] < TRUTH["length_s"] / 2 + 60
    kinds = {(event["type"], event.get("participant")) for event in MANIFEST["events"]}
    assert {("participant_left", "gordon"), ("role_changed", "victor"), ("message", "june")} <= kinds


def test_they_talk_over_each_other_and_otherwise_take_turns():
    overlaps = [one["end_s"] - one["start_s"] for one in TRUTH["overlaps"]]
    assert sum(overlap_s > 0.7 for overlap_s in overlaps) >= 2
    edges = [(turn["start_s"], turn["end_s"]) for turn in TRUTH["turns"]]
    gaps = [start_s - end_s for (_, end_s), (start_s, _) in pairwise(edges)]
    assert all(0.2 <= gap_s <= 3 for gap_s in gaps if gap_s > 0)


def test_topics_are_at_least_four_and_two_are_pinned_with_links_while_they_are_talked_about():
    pins = [event for event in MANIFEST["events"] if event["type"] == "topic_pinned"]
    topics = {topic["title"]: topic["start_s"] for topic in TRUTH["topics"]}
    assert len(topics) >= 5
    assert len(pins) == 2
    for pin in pins:
        assert pin["url"].startswith("https://example.org/")
        assert 0 < pin["t"] - topics[pin["title"]] < 15


def test_every_word_of_the_truth_is_in_order_and_on_its_speakers_track():
    for turn in TRUTH["turns"]:
        start_s, end_s = TRUTH["speakers"][turn["speaker"]]["present_s"]
        times = [time for _, *span in turn["words"] for time in span]
        assert times == sorted(times)
        assert start_s <= times[0] == turn["start_s"]
        assert times[-1] == turn["end_s"] <= end_s
        assert " ".join(word for word, *_ in turn["words"]) == turn["text"].translate(str.maketrans("", "", ".,!?"))


@pytest.mark.parametrize("identity", LEVELS_LUFS)
def test_where_the_truth_says_somebody_speaks_the_track_is_loud(identity):
    heard = [level_dbfs(sound_of(turn, RATE_HZ)) for turn in turns_of(identity)]
    assert min(heard) > LEVELS_LUFS[identity] - 8
