"""The report as one picture: figures of the whole, a row a voice, the room from end to end, and what there is to say in lines."""

from feeds.catalogue import Episode
from feeds.pages.voices import voices
from feeds.soundcheck.drawing import Picture, Text
from feeds.soundcheck.figures import drawn_figures, figures
from feeds.soundcheck.lists import drawn_lists
from feeds.soundcheck.report import SoundReport
from feeds.soundcheck.room_strip import drawn_room
from feeds.soundcheck.voice_rows import drawn_voices
from feeds.soundcheck.wording import level, name_of, summary

WIDE_PX, NARROW_PX = 900, 320
_GAP = 16.0
# In words, a crowd is told no further than this.
_MOST_TOLD = 12


def picture(episode: Episode, report: SoundReport, width_px: float = WIDE_PX) -> Picture:
    """Everything in it drawn for the width at which it shall be read."""
    colours = {identity: voice.colour for voice in voices(episode) for identity in voice.identities}
    head = drawn_figures(report, width_px, 0)
    rows = drawn_voices(report, colours, width_px, head.bottom)
    room = drawn_room(episode, report, width_px, rows.bottom + _GAP)
    lists = drawn_lists(report, width_px, room.bottom + _GAP + 8)
    shapes = (shape for block in (head, rows, room, lists) for shape in block.shapes)
    drawn = tuple(shape for shape in shapes if not (isinstance(shape, Text) and not shape.text))
    return Picture(width=width_px, height=lists.bottom, shapes=drawn, told=_told(report))


def _told(report: SoundReport) -> str:
    """For whoever hears the page instead of seeing it."""
    whole = ", ".join(f"{f.name} {f.value}, {f.beside}" for f in figures(report))
    each = "; ".join(
        f"{name_of(v)} from {level(v.before_lufs, 'LUFS')} to {level(v.after_lufs, 'LUFS')}" for v in report.voices[:_MOST_TOLD]
    )
    return f"{whole}. {each}. {summary(report)}."
