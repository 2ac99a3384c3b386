"""Whether voices stay as intelligible as they came and music as lively, through the whole path and every encoder.

    python -m bench.intelligibility [--data DIR] [--effort quality] [--voices] [--markdown]

DIR holds clips of human speech (WAV, FLAC), one voice a file. They are mixed into rooms at levels from -12 to -35 LUFS, as one file
of everybody and as tracks with bleed, with quiet microphones and with hissing, humming ones; what leaves us is decoded, and each
voice held against its clean clip by STOI (pystoi). What a lossy encoder takes from anything at its rate is told apart: the room as
it came goes through the same encoders, too. A made piece of stereo music goes the same way, alone and between talk; its loudness
range and its width are compared. Exit status 1 when a voice has lost more than 0.01, music its dynamics, or anything clips.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pystoi import stoi

from bench.chapters import TALKS
from bench.clips import Conversation, Microphone, conversation, voices
from bench.ebur128 import ebur128
from bench.floor import bare_encoder
from bench.music import piece
from bench.ours import ours
from bench.sounds import RATE_HZ, Sound, encoded, silence, speech, wav
from bench.trial.tables import table
from pipeline.decode import in_blocks
from pipeline.formats import Effort, named
from pipeline.plan import EncodePlan

FORMATS = ("wav", *EncodePlan().formats)
MOST_LOST, MOST_LU, MOST_WIDER_DB = 0.01, 1.0, 1.0
LEVELS_LUFS = (-35.0, -12.0, -27.0, -18.0, -31.0, -24.0, -15.0, -21.0)
MICROPHONES = {"quiet": Microphone(hiss_db=-40.0), "hissing, humming": Microphone(hiss_db=-18.0, hum_db=-24.0)}
FULL_SCALE = 32767 / 32768
MOMENT, SILENT = RATE_HZ // 10, 1e-9
MUSIC_S, MUSIC_LUFS = 100.0, -20.0
TALK_S, TALK_LUFS = 30.0, -24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One voice in one room in one rendition: STOI against its clean clip."""

    room: str
    voice: str
    format: str
    before: float
    # as it came, through the same encoder and nothing else of ours
    encoded: float
    after: float
    clipped: int

    @property
    def lost(self) -> float:
        """What our path takes; what a lossy encoder at its rate takes from anything is told apart."""
        return self.encoded - self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A stretch of music in one rendition."""

    room: str
    format: str
    range_before_lu: float
    range_after_lu: float
    # side against middle
    width_before_db: float
    width_after_db: float
    clipped: int

    @property
    def holds(self) -> bool:
        lively = abs(self.range_after_lu - self.range_before_lu) <= MOST_LU
        return lively and abs(self.width_after_db - self.width_before_db) <= MOST_WIDER_DB and not self.clipped


def main() -> int:
    """Measure once and print."""
    asked = _asked()
    people = voices(asked.data) if asked.data and asked.data.is_dir() else {}
    if not people:
        print("no clips of human speech: name a folder of them with --data")
    with tempfile.TemporaryDirectory(prefix="aircheck-bench-") as name:
        said = [kept for room in _rooms(people) for kept in heard_again(Path(name), *room, asked.effort)]
        music = [played for talk_s in (0.0, TALK_S) for played in played_again(Path(name), talk_s, asked.effort)]
    _tell(said, music, asked)
    fine = all(one.lost <= MOST_LOST and not one.clipped for one in said) and all(one.holds for one in music)
    return 0 if fine else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=TALKS.parents[1] / "speech", help="default: beside the project, where it is")
    parser.add_argument("--effort", choices=("fast", "quality"), default="fast")
    parser.add_argument("--voices", action="store_true", help="a row for every voice")
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


# ---- speech


def _rooms(people: Mapping[str, Sound]) -> Iterator[tuple[str, Conversation, bool]]:
    """What it is called, who speaks in it, and whether as tracks; every voice is once loud and once quiet."""
    if not people:
        return
    for name, microphone in MICROPHONES.items():
        for turned in (0, 1):
            levels = LEVELS_LUFS[turned:] + LEVELS_LUFS[:turned]
            yield f"{name} microphones, one file", conversation(people, levels, microphone, gated=True), False
            yield f"{name} microphones, tracks", conversation(people, levels, microphone, gated=False), True


def heard_again(folder: Path, room: str, talk: Conversation, separate: bool, effort: Effort) -> Iterator[Kept]:
    """Every voice of the room in every rendition."""
    sounds = talk.tracks() if separate else {"mix": talk.heard.mix}
    sources = [encoded(folder / f"{name}.ogg", sound, "-c:a", "libopus", "-b:a", "48k") for name, sound in sounds.items()]
    tracks = {path.stem: _decoded(path)[0] for path in sources}
    came = talk.as_it_came(tracks) if separate else tracks["mix"]
    before = {who: _stoi(talk, who, came) for who in talk.clean}
    for one in ours(folder, sources, EncodePlan(formats=FORMATS, effort=effort))[1]:
        heard, bare = _decoded(one.file.path)[0], _bare(folder, came, one.format, effort)
        for who, was in before.items():
            yield Kept(
                room=room, voice=who, format=one.format, before=was, encoded=_stoi(talk, who, bare),
                after=_stoi(talk, who, heard), clipped=_clipped(talk.parts(who, heard)),
            )  # fmt: skip


def _bare(folder: Path, sound: Sound, name: str, effort: Effort) -> Sound:
    path = encoded(folder / f"bare{named(name).SUFFIX}", sound, *bare_encoder(name, effort))
    return _decoded(path)[0]


def _stoi(talk: Conversation, who: str, sound: Sound) -> float:
    """How intelligible that voice is, 0 to 1, against what it said."""
    return float(stoi(talk.parts(who, talk.clean[who]), talk.parts(who, sound), RATE_HZ))


def _decoded(path: Path, channels: int = 1) -> Sound:
    return np.concatenate(list(in_blocks(path, channels)), 1)


def _clipped(sound: Sound) -> int:
    return int((np.abs(sound) >= FULL_SCALE).sum())


# ---- music


def played_again(folder: Path, talk_s: float, effort: Effort) -> Iterator[Played]:
    """A piece in every rendition, alone or between stretches of talk on both sides of it."""
    talk = np.concatenate([speech(talk_s, TALK_LUFS, seed=1), silence(1.0)]) if talk_s else silence(0.0)
    both = np.stack([talk, talk])
    music = piece(MUSIC_S, MUSIC_LUFS)
    source = wav(folder / "music.wav", np.concatenate([both, music, both], 1))
    first, end = both.shape[1], both.shape[1] + music.shape[1]
    room = "music between talk" if talk_s else "music alone"
    before = ebur128(wav(folder / "before.wav", music))
    for one in ours(folder, [source], EncodePlan(formats=FORMATS, effort=effort))[1]:
        heard = _decoded(one.file.path, 2)[:, first:end]
        after = ebur128(encoded(folder / "after.flac", heard))
        yield Played(
            room=room, format=one.format, range_before_lu=before.loudness_range_lu or 0.0,
            range_after_lu=after.loudness_range_lu or 0.0, width_before_db=_width_db(music), width_after_db=_width_db(heard),
            clipped=_clipped(heard),
        )  # fmt: skip


def _width_db(sound: Sound) -> float:
    """How much stronger the difference of both channels is than what they share, in most moments: no gain changes that."""
    left, right = sound[:, : sound.shape[1] // MOMENT * MOMENT].reshape(2, -1, MOMENT)
    shared, apart = (np.square(one).mean(1) for one in (left + right, left - right))
    heard = shared + apart > SILENT
    return 10 * float(np.log10(np.median(apart[heard] / np.maximum(shared[heard], SILENT))))


# ---- told


def _tell(said: Sequence[Kept], music: Sequence[Played], asked: argparse.Namespace) -> None:
    if said and asked.voices:
        rows = [(one.room, one.voice, one.format, *_figures(one), one.clipped) for one in said]
        heads: tuple[str, ...] = ("room", "voice", "format", "STOI as it came", "encoded", "after", "lost", "clipped")
        print(table(heads, rows, markdown=asked.markdown))
        print()
    if said:
        heads = ("room", "format", "voices", "STOI as it came, mean", "encoded", "after", "most lost", "by", "clipped")
        print(table(heads, list(_by_room(said)), markdown=asked.markdown))
        print(f"must: none loses more than {MOST_LOST}, nothing clipped\n")
    rows = [
        (
            one.room, one.format, f"{one.range_before_lu:.1f}", f"{one.range_after_lu:.1f}", f"{one.width_before_db:.1f}",
            f"{one.width_after_db:.1f}", one.clipped, "holds" if one.holds else "MISSED",
        )
        for one in music
    ]  # fmt: skip
    heads = ("music", "format", "LRA before", "after, LU", "width before", "after, dB", "clipped", "")
    print(table(heads, rows, markdown=asked.markdown))


def _by_room(said: Sequence[Kept]) -> Iterator[tuple[object, ...]]:
    for room, form in dict.fromkeys((one.room, one.format) for one in said):
        some = [one for one in said if (one.room, one.format) == (room, form)]
        worst = max(some, key=lambda one: one.lost)
        means = [f"{np.mean([getattr(one, name) for one in some]):.3f}" for name in ("before", "encoded", "after")]
        yield room, form, len(some), *means, f"{worst.lost:.3f}", worst.voice, sum(one.clipped for one in some)


def _figures(one: Kept) -> tuple[str, ...]:
    return tuple(f"{figure:.3f}" for figure in (one.before, one.encoded, one.after, one.lost))


if __name__ == "__main__":
    sys.exit(main())
