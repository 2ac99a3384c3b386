"""A room that is Opus and shall only be levelled is not encoded again; whatever is not as plain as that, is."""

import struct
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from fakes_children import Here, fetched, recording
from heard_rooms import Room, decoded

from bench.sounds import encoded, joined, loudness, noise, run_ffmpeg, speech, tone
from pipeline.arrange import arrange
from pipeline.encode import encode
from pipeline.level import level
from pipeline.listen import listen
from pipeline.models import Cut, MadeFile, Music, Piece, Rendition
from pipeline.opus_gain import turned
from pipeline.plan import EncodePlan, FilterPlan, LevelPlan, Plan, as_its_mode_says
from pipeline.probe import probe
from pipeline.stamp import stamp
from pipeline.telling import Tags
from pipeline.treatment import asked_for, found_needed
from pipeline.verify import verify

TARGET_LUFS = -23.0
LEVEL_ALONE = LevelPlan(mode="original", target_lufs=TARGET_LUFS)
ORIGINAL = as_its_mode_says(Plan(level=LEVEL_ALONE, encode=EncodePlan(formats=("mp3", "opus"))))
OPUS = ("-c:a", "libopus", "-b:a", "48k")


def opus(path: Path, sound: np.ndarray, *options: str) -> Path:
    return encoded(path, sound, *OPUS, *options)


def heard(path: Path, folder: Path) -> Room:
    """The room in that file, as a show hears it that wants its level alone."""
    timeline = asked_for(arrange(recording(), probe((fetched(path),), children=Here()), "notice"), ORIGINAL.filters)
    found = listen(timeline, children=Here(), scratch=folder)
    return Room(timeline=found_needed(timeline, found), heard=found, scratch=folder)


def made(room: Room) -> dict[str, Rendition]:
    """Its renditions by format, verified."""
    levels = level(room.timeline, room.heard, ORIGINAL.level, scratch=room.scratch)
    renditions = encode(room.timeline, levels, ORIGINAL.encode, children=Here(), scratch=room.scratch)
    checked = verify(room.timeline, levels, ORIGINAL.encode, renditions, children=Here(), scratch=room.scratch)
    return {rendition.format: rendition for rendition in checked}


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux(audio=0) if packet.size]


def is_copied(rendition: Rendition, source: Path) -> bool:
    return packets(rendition.file.path) == packets(source)


@pytest.fixture(scope="module")
def talk(tmp_path_factory) -> Path:
    """Low speech above a hum that no other mode would leave there."""
    sound = speech(14, -29, seed=2) + tone(14, -50, 50) + noise(14, -70)
    return opus(
        tmp_path_factory.mktemp("opus") / "talk.opus", sound, "-metadata", "title=secret", "-metadata", "R128_TRACK_GAIN=900"
    )


@pytest.fixture(scope="module")
def from_talk(talk, tmp_path_factory) -> dict[str, Rendition]:
    return made(heard(talk, tmp_path_factory.mktemp("made")))


def test_opus_in_is_opus_out_packet_by_packet_and_on_target(talk, from_talk):
    copied = from_talk["opus"]
    assert is_copied(copied, talk)
    assert copied.integrated_lufs == pytest.approx(TARGET_LUFS, abs=0.1)
    assert loudness(decoded(copied.file.path)) == pytest.approx(TARGET_LUFS, abs=0.1)
    assert copied.bitrate_kbps == pytest.approx(48, abs=12) and copied.true_peak_dbtp <= -1


def test_it_sounds_as_it_came_but_for_its_level(talk, from_talk):
    before, after = decoded(talk)[0].astype(np.float64), decoded(from_talk["opus"].file.path)[0].astype(np.float64)
    gain = (before @ after) / (before @ before)
    np.testing.assert_allclose(after, gain * before, atol=2e-4)
    assert from_talk["mp3"].duration_s == from_talk["opus"].duration_s == len(after) / 48_000


def test_nothing_of_its_tags_is_carried_along(talk, from_talk):
    assert b"secret" in talk.read_bytes() and b"R128" in talk.read_bytes()
    copied = from_talk["opus"].file.path.read_bytes()
    assert b"secret" not in copied and b"R128" not in copied


def test_another_decoder_finds_the_same_gain(from_talk, tmp_path):
    path = from_talk["opus"].file.path
    sound = run_ffmpeg("-c:a", "libopus", "-i", str(path), str(tmp_path / "by_libopus.wav"))
    assert loudness(decoded(sound)) == pytest.approx(TARGET_LUFS, abs=0.1)


def test_what_was_copied_takes_our_tags(from_talk, tmp_path):
    (stamped,) = stamp(
        (from_talk["opus"],), Tags(title="Ours", artist="", album="", date="2026"), children=Here(), scratch=tmp_path
    )
    assert packets(stamped.file.path) == packets(from_talk["opus"].file.path)
    assert b"Ours" in stamped.file.path.read_bytes()


def test_a_gain_that_is_there_already_is_moved_by_ours(talk, tmp_path):
    once, twice = tmp_path / "once.opus", tmp_path / "twice.opus"
    assert turned(turned(MadeFile.of(talk), once, -6.5, 1, print), twice, 2.25, 1, lambda _: None)
    (gain,) = struct.unpack_from("<h", twice.read_bytes(), 28 + 16)
    assert gain == (-6.5 + 2.25) * 256
    assert loudness(decoded(twice)) == pytest.approx(loudness(decoded(talk)) - 4.25, abs=0.05)


@pytest.mark.parametrize(
    ("options", "pages"),
    [(("-page_duration", "20000"), 500), (("-metadata", "comment=" + "x" * 100_000), 10)],
    ids=["a page for each packet", "tags on two pages"],
)
def test_pages_are_numbered_anew_behind_our_tags(tmp_path, options, pages):
    source, told = opus(tmp_path / "in.opus", tone(11, -20), *options), []
    content = source.read_bytes()
    assert content.count(b"OggS") > pages
    made = turned(MadeFile.of(source), tmp_path / "out.opus", 3.0, 1, told.append)
    assert made and packets(made.path) == packets(source) and len(told) <= 1
    assert loudness(decoded(made.path)) == pytest.approx(loudness(decoded(source)) + 3, abs=0.05)
    numbers = [struct.unpack_from("<I", page, 14)[0] for page in made.path.read_bytes().split(b"OggS")[1:]]
    assert numbers == list(range(len(numbers)))


# ---- what must be encoded


def peaks(folder: Path) -> Path:
    """So uneven that on target it would peak above what anybody shall get."""
    clicks = np.where(np.arange(480_000) % 96_000 < 30, 0.7, 0).astype(np.float32)
    return opus(folder / "peaks.opus", speech(10, -30, seed=1) + clicks)


def chained(folder: Path) -> Path:
    return joined(folder / "chained.opus", [opus(folder / f"{n}.opus", speech(5, -25, seed=n)) for n in (1, 2)])


def damaged(folder: Path) -> Path:
    content = bytearray(opus(folder / "whole.opus", speech(10, -25)).read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4] = b"\xff\x00\xff\x00"
    (folder / "damaged.opus").write_bytes(content)
    return folder / "damaged.opus"


def two_channels_that_are_one(folder: Path) -> Path:
    sound = speech(8, -25)
    return opus(folder / "double.opus", np.stack([sound, sound]))


def another_codec(folder: Path) -> Path:
    return encoded(folder / "talk.ogg", speech(8, -25), "-c:a", "flac", "-f", "ogg")


def in_webm(folder: Path) -> Path:
    return opus(folder / "talk.webm", speech(8, -25))


@pytest.mark.parametrize("other", [peaks, chained, damaged, two_channels_that_are_one, another_codec, in_webm])
def test_whatever_is_not_as_plain_is_encoded(tmp_path, other):
    source = other(tmp_path)
    rendition = made(heard(source, tmp_path))["opus"]
    assert not is_copied(rendition, source)
    assert rendition.integrated_lufs == pytest.approx(TARGET_LUFS, abs=0.3) and rendition.true_peak_dbtp <= -1


@pytest.mark.parametrize("changed", ["cut", "music", "mode", "filters"])
def test_where_more_is_done_than_a_gain_it_is_not_a_players_gain(talk, tmp_path, changed):
    room = heard(talk, tmp_path)
    assert level(room.timeline, room.heard, ORIGINAL.level, scratch=tmp_path).only_gain_db == pytest.approx(6, abs=1)
    timeline, plan = room.timeline, ORIGINAL.level
    if changed == "cut":
        timeline = replace(timeline, cuts=(Cut(start_s=2.0, end_s=3.0, why="cut by its creator"),))
    if changed == "music":
        (tmp_path / "i.f32").write_bytes(np.zeros(48_000, np.float32))
        np.save(tmp_path / "i.npy", np.zeros(10))
        files = [MadeFile.of(tmp_path / name) for name in ("i.f32", "i.npy")]
        timeline = replace(timeline, music=Music(intro=Piece(file=files[0], samples=48_000, powers=files[1])))
    if changed == "mode":
        plan = LevelPlan(mode="natural", target_lufs=TARGET_LUFS)
    if changed == "filters":
        timeline = asked_for(timeline, FilterPlan())
    assert level(timeline, room.heard, plan, scratch=tmp_path).only_gain_db is None


def test_pages_of_somebody_elses_making_are_taken_or_left_whole(talk, tmp_path):
    content = talk.read_bytes()
    target = tmp_path / "out.opus"
    for end in (0, 10, 47, len(content) - 1):
        (tmp_path / "cut.opus").write_bytes(content[:end])
        source = MadeFile.of(tmp_path / "cut.opus")
        assert turned(source, target, 1.0, 1, lambda _: None) is None
    assert turned(MadeFile.of(talk), target, 1.0, 2, lambda _: None) is None
    assert turned(MadeFile.of(talk), target, 200.0, 1, lambda _: None) is None
