"""The eight cells under an episode's strip: what is done with its figures, what is at work, what is still to come. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from feeds.catalogue import Episode
from feeds.pages.wording import format_name
from feeds.web.html import written_size
from feeds.web.studio.told import about
from feeds.web.work import RunState
from pipeline.clock import written

CellState = Literal["done", "now", "failed", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    name: str
    fact: str
    state: CellState


def cells(episode: Episode, run: RunState | None) -> tuple[Cell, ...]:
    """All eight, in the order in which they are done."""
    return tuple(_cell(kind, episode, run) for kind in _KINDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    name: str
    stages: tuple[str, ...]
    # whether the episode itself shows that this is done
    is_done: Callable[[Episode], bool]
    # what came out, in a few words
    fact: Callable[[Episode], str]


def _cell(kind: _Kind, episode: Episode, run: RunState | None) -> Cell:
    state = _state(kind, episode, run)
    return Cell(name=kind.name, fact=_fact(kind, state, episode, run), state=state)


def _state(kind: _Kind, episode: Episode, run: RunState | None) -> CellState:
    if run is not None and run.stage in kind.stages and run.phase in {"running", "failed"}:
        return "now" if run.phase == "running" else "failed"
    finished = {stage.name for stage in run.done} if run else set()
    is_done = kind.is_done(episode) or kind.stages[-1] in finished
    return "done" if is_done else "waiting"


def _fact(kind: _Kind, state: CellState, episode: Episode, run: RunState | None) -> str:
    if state == "now" and run is not None:
        return _progress(run)
    if state != "done":
        return "Stopped here" if state == "failed" else ""
    stages = [stage for stage in run.done if stage.name in kind.stages] if run else []
    noted = next((stage.fact for stage in stages if stage.fact), "")
    fact = (kind.fact(episode) if kind.is_done(episode) else "") or noted
    took_s = sum(stage.took_s for stage in stages)
    return ", ".join(part for part in (fact, _took(took_s)) if part)


def _progress(run: RunState) -> str:
    left = f"{about(run.eta_s[1])} left" if run.eta_s and run.stage == "transcribe" else ""
    if run.stage == "transcribe" and run.audio_s:
        return ", ".join(filter(None, (f"{written(run.share_done * run.audio_s)} of {written(run.audio_s)}", left)))
    return f"{run.share_done:.0%}" if run.share_done else "Now"


def _took(seconds: float) -> str:
    if seconds < 0.05:
        return ""
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s" if seconds < 90 else about(seconds)


# ---- what came out


def _fetched(episode: Episode) -> str:
    return f"{written(episode.sound.source_s)} of room" if episode.sound else ""


def _checked(episode: Episode) -> str:
    if episode.sound is None:
        return ""
    lost_s = sum(loss.lost_s for loss in episode.sound.losses)
    return f"{about(lost_s) if lost_s >= 45 else f'{lost_s:.1f} s'} lost" if lost_s else "Nothing missing"


def _levelled(episode: Episode) -> str:
    """How far apart the voices were, or how loud the only one was, and what it is now."""
    voices = [v for v in episode.sound.voices if v.before_lufs is not None and v.after_lufs is not None] if episode.sound else []
    if not voices:
        return ""
    before, after = [v.before_lufs or 0.0 for v in voices], [v.after_lufs or 0.0 for v in voices]
    if len(voices) == 1:
        return f"{_lufs(before[0])} to {_lufs(after[0])} LUFS"
    return f"Voices {_apart(before):.1f} LU apart, now {_apart(after):.1f}"


def _lufs(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")


def _apart(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[-1] - ordered[0]


def _encoded(episode: Episode) -> str:
    return ", ".join(format_name(r.format) for r in episode.renditions)


def _stored(episode: Episode) -> str:
    return written_size(sum(r.size_bytes for r in episode.renditions)) if episode.renditions else ""


def _in_feed(episode: Episode) -> str:
    words = {"public": "Everyone can hear it", "unlisted": "Only with the link"}
    return words.get(episode.access, "Private feeds only")


def _words(episode: Episode) -> str:
    if episode.words is None or episode.words.quality == "none":
        return "None" if episode.words else ""
    draft = "Draft of " if episode.words.quality == "draft" else ""
    return f"{draft}{episode.words.count:,} {'word' if episode.words.count == 1 else 'words'}"


def _chapters(episode: Episode) -> str:
    count = len(episode.chapters)
    if not count:
        return "None needed" if episode.words is not None and episode.words.count else "None"
    return "1 chapter" if count == 1 else f"{count} chapters"


def _has_sound(episode: Episode) -> bool:
    return bool(episode.renditions)


def _is_complete(episode: Episode) -> bool:
    return episode.state == "complete"


_KINDS = (
    _Kind(name="Fetched", stages=("fetch",), is_done=_has_sound, fact=_fetched),
    _Kind(name="Checked", stages=("probe", "arrange"), is_done=_has_sound, fact=_checked),
    _Kind(name="Levelled", stages=("listen", "clean", "compose", "level", "apart"), is_done=_has_sound, fact=_levelled),
    _Kind(name="Encoded", stages=("encode", "verify"), is_done=_has_sound, fact=_encoded),
    _Kind(name="Stored", stages=("stamp", "upload"), is_done=_has_sound, fact=_stored),
    _Kind(name="In the feed", stages=("publish", "feed"), is_done=lambda e: e.published_at is not None, fact=_in_feed),
    _Kind(name="Words", stages=("transcribe",), is_done=lambda e: e.words is not None, fact=_words),
    _Kind(name="Chapters", stages=("chapter",), is_done=_is_complete, fact=_chapters),
)
