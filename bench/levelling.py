"""How even a talk becomes: ours in every mode beside what ffmpeg has, on one made room, measured on what leaves each of them.

    python -m bench.levelling [--minutes 15] [--tracks] [--levels=-35,-27,-21,-15] [--overlap 0.2] [--seed 3]

The mix goes in as Opus at 32 kbit/s, tracks as WAV; ours is measured on its decoded MP3, the others on what the filter gives.

I        integrated loudness, LUFS
voices   how far they are apart, each heard in all its turns, LU
range sd of the voices' mean loudness per turn, LU
turns    the same of all turns, from their 5th to their 95th percentile
onset    how much louder or quieter the first 2 s of turns > 5 s became against what follows 2.5 s on, dB: riding; median/max
gap      the loudest moment of pauses, from 0.3 s after speech to 0.2 s before, dBFS
clear    speech against bleed and noise while somebody speaks, dB: median (10th percentile)
"""

import argparse
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from bench.sounds import RATE_HZ, Sound, Turn, loudness
from bench.talk_rooms import LEVELS_LUFS, TalkRoom, asked
from pipeline.arrange import arrange
from pipeline.child import Children
from pipeline.clean import clean
from pipeline.curve import curve
from pipeline.decode import in_blocks
from pipeline.encode import encode
from pipeline.ffmpeg import find
from pipeline.level import Levels, level
from pipeline.listen import listen
from pipeline.models import Fetched, FileKind, MadeFile, Recording, SourceFile, Timeline
from pipeline.plan import CleanPlan, EncodePlan, LevelPlan, Mode
from pipeline.probe import probe

FILTERS = {
    "static gain": "volume={gain:.2f}dB,alimiter=limit=-2dB:level=false:latency=true",
    "loudnorm LRA 11": "loudnorm=I=-19:TP=-2:LRA=11,aresample=48000",
    "loudnorm LRA 1": "loudnorm=I=-19:TP=-2:LRA=1,aresample=48000",
    "dynaudnorm": "dynaudnorm",
    "dynaudnorm, at its best": "dynaudnorm=f=500:g=7:r=0.2:m=20:t=.003",
    "speechnorm e=12.5": "speechnorm=e=12.5:r=0.0001:l=1",
    "speechnorm e=25": "speechnorm=e=25:r=0.00001",
    "acompressor": "acompressor=threshold=-30dB:ratio=4:attack=10:release=400:makeup=4",
}
TARGET_LUFS = -19.0
LONG_TURN_S, ONSET_S, SETTLED_S = 5.0, 2.0, 2.5
# Moments in which speech is compared with what is not speech.
MOMENT = RATE_HZ * 4 // 10

Gains = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Evenness:
    """What the table says of one sound."""

    integrated_lufs: float
    voices_lu: float
    range_lu: float
    sd_lu: float
    turns_lu: float
    onset_db: tuple[float, float]
    gap_dbfs: float


def evenness(room: TalkRoom, sound: Sound, source: Sound) -> Evenness:
    """How even the voices of the room are in what was made of `source`."""
    turns = [(turn, loudness(_part(sound, turn.start_s, turn.end_s))) for turn in room.alone]
    names = {turn.who for turn, _ in turns}
    voices = [np.mean([lufs for turn, lufs in turns if turn.who == name]) for name in names]
    whole = [loudness(_joined(sound, [turn for turn, _ in turns if turn.who == name])) for name in names]
    every = np.array([lufs for _, lufs in turns])
    swings = [abs(_onset(sound, turn) - _onset(source, turn)) for turn in room.alone if turn.end_s - turn.start_s > LONG_TURN_S]
    return Evenness(
        integrated_lufs=loudness(sound), voices_lu=float(np.ptp(whole)),
        range_lu=float(np.ptp(voices)), sd_lu=float(np.std(voices)),
        turns_lu=float(np.subtract(*np.percentile(every, [95, 5]))), onset_db=(float(np.median(swings)), max(swings)),
        gap_dbfs=max((_loudest(_part(sound, start_s + 0.3, end_s - 0.2)) for start_s, end_s in room.pauses), default=-np.inf),
    )  # fmt: skip


def _part(sound: Sound, start_s: float, end_s: float) -> Sound:
    return sound[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]


def _joined(sound: Sound, turns: Sequence[Turn]) -> Sound:
    return np.concatenate([_part(sound, turn.start_s, turn.end_s) for turn in turns])


def _onset(sound: Sound, turn: Turn) -> float:
    """How much louder a turn begins than it goes on."""
    begins = loudness(_part(sound, turn.start_s, turn.start_s + ONSET_S))
    return begins - loudness(_part(sound, turn.start_s + SETTLED_S, turn.end_s))


def _loudest(sound: Sound) -> float:
    """The loudest tenth of a second."""
    moments = sound[: len(sound) // 4800 * 4800].reshape(-1, 4800)
    return float(10 * np.log10(max(np.square(moments).mean(1).max(), 1e-12)))


def clearness(room: TalkRoom, gain_db: Gains) -> tuple[float, float]:
    """Speech against all else while somebody speaks, median and 10th percentile, when tracks have these gains."""
    moments = list[NDArray[np.float64]]()
    for first in range(0, room.samples, 10 * RATE_HZ):
        count = min(10 * RATE_HZ, room.samples - first)
        curves = [curve(row, first, count) for row in gain_db]
        parts = [sum(render(n, first, count) * one for n, one in enumerate(curves)) for render in (room.said, room.beside)]
        moments.append(np.stack([_powers(np.asarray(part)) for part in parts]))
    speech, rest = np.concatenate(moments, 1)
    spoken = np.zeros(len(speech), bool)
    for turn in room.turns:
        spoken[round(turn.start_s * RATE_HZ) // MOMENT + 1 : round(turn.end_s * RATE_HZ) // MOMENT] = True
    above = 10 * np.log10(speech[spoken] / np.maximum(rest[spoken], 1e-12))
    return float(np.median(above)), float(np.percentile(above, 10))


def _powers(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = np.pad(sound, (0, -len(sound) % MOMENT)).reshape(-1, MOMENT)
    return np.asarray(np.square(whole).mean(1))


# ---- ways to level


def ours(paths: Sequence[Path], mode: Mode, folder: Path) -> tuple[Timeline, Levels, Sound]:
    """The room through our stages, and its MP3 decoded."""
    kind: FileKind = "track" if len(paths) > 1 else "mix"
    fetched = tuple(
        Fetched(source=SourceFile(path=p.name, kind=kind, participant=p.stem if kind == "track" else None), file=MadeFile.of(p))
        for p in paths
    )
    recording = Recording(
        recording_id="b", engine="file", session_id="b", name="bench", started_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    children = Children()
    timeline = arrange(recording, probe(fetched, children=children), "notice")
    heard = listen(timeline, children=children, scratch=folder)
    timeline = clean(timeline, heard, CleanPlan(trim=False))
    levels = level(timeline, heard, LevelPlan(mode=mode), scratch=folder)
    (made,) = encode(timeline, levels, EncodePlan(formats=("mp3",)), children=children, scratch=folder)
    return timeline, levels, decoded(made.file.path)


def decoded(path: Path) -> Sound:
    """The file's sound, in one channel."""
    return np.concatenate([block[0] for block in in_blocks(path, 1)])


def filtered(path: Path, how: str) -> Sound:
    """What ffmpeg's filter makes of the file."""
    command = [find(), "-nostdin", "-v", "error", "-i", str(path), "-af", how, "-ac", "1", "-ar", str(RATE_HZ), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)


def _opus(path: Path) -> Path:
    target = path.with_suffix(".ogg")
    how = ["-c:a", "libopus", "-b:a", "32k", "-application", "voip"]
    subprocess.run([find(), "-nostdin", "-v", "error", "-y", "-i", str(path), *how, str(target)], check=True)
    return target


def mix_rows(room: TalkRoom, folder: Path) -> Iterator[tuple[str, Evenness]]:
    """The table of one mix, row by row."""
    path = _opus(room.write_mix(folder))
    source = decoded(path)
    yield "as it came", evenness(room, source, source)
    for mode in get_args(Mode):
        yield f"ours, {mode}", evenness(room, ours([path], mode, folder)[2], source)
    for name, how in FILTERS.items():
        sound = filtered(path, how.format(gain=TARGET_LUFS - loudness(source)))
        yield name, evenness(room, sound, source)


def track_rows(room: TalkRoom, folder: Path) -> Iterator[tuple[str, Evenness, tuple[float, float]]]:
    """The table of separate tracks, row by row."""
    paths = room.write_tracks(folder)
    sounds = {name: decoded(path) for name, path in paths.items()}
    source = np.sum(list(sounds.values()), 0)
    for title, gain_of in _plain_gains(sounds):
        gains_db = [gain_of(name) for name in sounds]
        sound = np.sum([sound * 10 ** (db / 20) for sound, db in zip(sounds.values(), gains_db, strict=True)], 0)
        frames = np.ones((1, room.samples // 4800), np.float32)
        yield title, evenness(room, sound, source), clearness(room, np.array(gains_db, np.float32)[:, None] * frames)
    for mode in get_args(Mode):
        timeline, levels, sound = ours(list(paths.values()), mode, folder)
        with np.load(levels.curves.path) as arrays:
            rows = {track.participant: row for track, row in zip(timeline.tracks, arrays["gain_db"], strict=True)}
        yield f"ours, {mode}", evenness(room, sound, source), clearness(room, np.stack([rows[name] for name in sounds]))


def _plain_gains(sounds: dict[str, Sound]) -> Iterator[tuple[str, Callable[[str], float]]]:
    yield "plain sum", lambda _: 0.0
    yield "integrated gain a track", lambda name: TARGET_LUFS - loudness(sounds[name])


# ---- the tables


def told(name: str, found: Evenness, clear: tuple[float, float] | None = None) -> str:
    """One row."""
    onset = "{:.1f}/{:.1f}".format(*found.onset_db)
    loud = f"{found.integrated_lufs:8.2f}{found.voices_lu:8.2f}{found.range_lu:8.2f}{found.sd_lu:6.2f}{found.turns_lu:8.2f}"
    clearly = "" if clear is None else "{:8.1f} ({:.1f})".format(*clear)
    return f"{name:<26}{loud}{onset:>10}{found.gap_dbfs:8.1f}{clearly}"


def main() -> None:
    """Make a room, level it in every way, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", action="store_true", help="each voice on its own track, with bleed, instead of one mix")
    asked(parser, 15.0)
    wanted = parser.parse_args()
    room = TalkRoom(wanted.levels or LEVELS_LUFS, wanted.minutes, overlap=wanted.overlap, seed=wanted.seed)
    titles = f"{'I':>8}{'voices':>8}{'range':>8}{'sd':>6}{'turns':>8}{'onset':>10}{'gap':>8}{'clear':>8}"
    print(f"{len(room.turns)} turns of {len(room.voices)} voices in {wanted.minutes:g} minutes\n{'':<26}{titles}")
    with tempfile.TemporaryDirectory(prefix="aircheck-bench-") as name:
        for row in (track_rows if wanted.tracks else mix_rows)(room, Path(name)):
            print(told(*row), flush=True)


if __name__ == "__main__":
    main()
