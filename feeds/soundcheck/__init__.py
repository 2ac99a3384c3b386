"""The report of an episode's sound: how it came and how it leaves, as values, as a picture, and as words for a terminal.

It speaks of conditions, losses and who was muted: it is for whoever runs the show, and never among the public files.
"""

from feeds.soundcheck.figures import figures
from feeds.soundcheck.files import FILES, file_of
from feeds.soundcheck.lists import listed
from feeds.soundcheck.picture import NARROW_PX, WIDE_PX, picture
from feeds.soundcheck.png import png
from feeds.soundcheck.report import SoundReport, report_of
from feeds.soundcheck.svg import inside, style, svg, view_box
from feeds.soundcheck.wording import badges, change, levels, name_of, summary

__all__ = [
    "FILES", "NARROW_PX", "WIDE_PX", "SoundReport", "badges", "change", "figures", "file_of", "inside", "levels", "listed",
    "name_of", "picture", "png", "report_of", "style", "summary", "svg", "view_box",
]  # fmt: skip
