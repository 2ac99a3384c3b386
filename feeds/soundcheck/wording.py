"""Levels and stretches as people read them."""

from collections.abc import Iterator, Sequence

from feeds.pages.wording import capital
from feeds.soundcheck.report import SoundReport
from pipeline.clock import spoken, written
from pipeline.edits import Mute
from pipeline.models import Condition, Cut, Loss, VoiceLevel
from pipeline.repairs import OFTEN_CLIPPED
from pipeline.text import clean_line

EVERYBODY = "Everybody"
# A voice that stands less far above the noise around it is heard with it.
NOISY_LU = 25.0


def level(value: float | None, unit: str) -> str:
    """`−19.0 LUFS`; a dash for what nobody measured."""
    return f"{number(value)} {unit}" if value is not None else "–"


def number(value: float) -> str:
    """`−19.0`, with a true minus, and never a negative nothing."""
    text = f"{value:.1f}"
    return text.replace("-", "−") if text != "-0.0" else "0.0"


def name_of(voice: VoiceLevel) -> str:
    """Whose voice it is."""
    return who(voice.name or voice.participant)


def who(name: str | None) -> str:
    """A name to show; without any it is everybody."""
    return EVERYBODY if name is None else clean_line(name) or "Somebody"


def speaks(voice: VoiceLevel) -> str:
    """`speaks 4:32`."""
    return f"speaks {written(voice.speech_s)}" if voice.speech_s > 0 else "never speaks"


def levels(voice: VoiceLevel) -> str:
    """`−34.1 to −19.0 LUFS`."""
    if voice.before_lufs is None and voice.after_lufs is None:
        return "–"
    if voice.after_lufs is None:
        return f"{level(voice.before_lufs, 'LUFS')}, not heard"
    return f"{'–' if voice.before_lufs is None else number(voice.before_lufs)} to {level(voice.after_lufs, 'LUFS')}"


def change(voice: VoiceLevel) -> str:
    """`+15.1 LU`; nothing where one of the two is not known."""
    if voice.before_lufs is None or voice.after_lufs is None:
        return ""
    by_lu = round(voice.after_lufs - voice.before_lufs, 1)
    return f"{'+' if by_lu > 0 else ''}{number(by_lu)} LU"


def badges(voice: VoiceLevel, report: SoundReport) -> list[str]:
    """What was done to a voice, and what was wrong with it as it came."""
    muted = _muted([mute for mute in report.mutes if mute.participant == voice.participant])
    return [*([muted] if muted else []), *_conditions(voice.condition, voice.before_lufs)]


def _muted(of_them: Sequence[Mute]) -> str:
    if any(map(is_whole, of_them)):
        return "muted"
    return f"muted in {places(len(of_them))}" if of_them else ""


def _conditions(condition: Condition | None, before_lufs: float | None) -> Iterator[str]:
    """Nothing where nobody would hear it."""
    if condition is None:
        return
    if condition.hum_hz is not None:
        yield f"{condition.hum_hz:.0f} Hz hum"
    if condition.clipped >= OFTEN_CLIPPED:
        yield f"clipped {condition.clipped:,} times"
    if condition.noise_lufs is not None and before_lufs is not None and before_lufs - condition.noise_lufs < NOISY_LU:
        below_lu = round(before_lufs - condition.noise_lufs)
        yield f"noise {below_lu} LU below" if below_lu > 0 else "noise as loud"


def is_whole(mute: Mute) -> bool:
    """Whether it lasts from the first second to the last."""
    return mute.start_s <= 0 and mute.end_s is None


def places(n: int) -> str:
    """`1 place`, `3 places`."""
    return "1 place" if n == 1 else f"{n} places"


def stretch(start_s: float, end_s: float) -> str:
    """`0:31 to 1:02`, with tenths where whole seconds say nothing."""
    return f"{_at(start_s, end_s)} to {_at(end_s, start_s)}"


def _at(seconds: float, other_s: float) -> str:
    return f"{written(seconds)}.{int(seconds * 10 + 1e-6) % 10}" if abs(seconds - other_s) < 10 else written(seconds)


def cut(one: Cut) -> str:
    """`0:00 to 0:31, silence before the first word`."""
    return f"{stretch(one.start_s, one.end_s)}, {one.why}"


def loss(one: Loss) -> str:
    """`1.5 s missing at 41:07: his connection dropped packets`; as much of it as is known."""
    missing = f"{one.lost_s:.1f} s missing" if one.lost_s else ""
    where = f"at {written(one.at_s)}" if one.at_s is not None else ""
    return capital(": ".join(filter(None, (f"{missing} {where}".strip(), one.why))))


def mute(one: Mute, name: str, length_s: float) -> str:
    """`Jonas, 0:31 to 1:02`."""
    return f"{name}, all of it" if is_whole(one) else f"{name}, {stretch(one.start_s, min(one.end_s or length_s, length_s))}"


def summary(report: SoundReport) -> str:
    """How long it was, what was left out and what is missing, in a line."""
    gone_s, lost_s = sum(c.end_s - c.start_s for c in report.cuts), sum(w.lost_s for w in report.warnings)
    music_s = report.music.intro_s + report.music.outro_s
    said = [
        f"{spoken(report.source_s)} of room",
        f"{spoken(gone_s)} cut in {places(len(report.cuts))}" if report.cuts else "nothing cut",
        f"{lost_s:.1f} s missing" if lost_s else "",
        f"{spoken(music_s)} of music added" if music_s else "",
        "" if report.edits_heard else "some edits are not heard yet",
    ]
    return " · ".join(filter(None, said))
