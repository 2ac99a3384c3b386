"""Dates, sizes, lengths and formats as a page says them, the same on every machine whatever its locale."""

from datetime import datetime

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_FORMATS = {"mp3": "MP3", "m4a": "M4A", "opus": "Opus", "flac": "FLAC", "wav": "WAV"}


def day(when: datetime) -> str:
    """`Thursday 12 November 2026`, on the clock of the room."""
    return f"{_DAYS[when.weekday()]} {short_day(when)}"


def short_day(when: datetime) -> str:
    """`12 November 2026`."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def size(size_bytes: int) -> str:
    """`9.6 MB`, `720 kB`."""
    if size_bytes < 999_500:
        return f"{max(size_bytes / 1000, 1):.0f} kB"
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:.2f} GB"


def iso_duration(seconds: float) -> str:
    """`PT58M12S` (ISO 8601), as schema.org wants it."""
    total = round(seconds)
    return f"PT{total // 3600}H{total // 60 % 60}M{total % 60}S" if total >= 3600 else f"PT{total // 60}M{total % 60}S"


def percent(share: float) -> str:
    """`41%`; a little is `<1%`, never nothing."""
    return f"{share:.0%}" if share >= 0.005 else "<1%"


def heading_class(title: str) -> str:
    """How far a headline must shrink to keep the player in view."""
    return "longer" if len(title) > 90 else "long" if len(title) > 36 else ""


def opening(text: str, limit: int = 260) -> tuple[str, str]:
    """The first paragraph if it is short enough to stand under a headline, and whatever remains."""
    first, _, rest = text.strip().partition("\n")
    return (first.strip(), rest.strip()) if len(first) <= limit else ("", text.strip())


def format_name(name: str) -> str:
    """`MP3`, `Opus`: a name on the shelf of formats as people know it."""
    return _FORMATS.get(name, name.upper())


def capital(words: str) -> str:
    """The same with a capital at its beginning; the rest stays as it is."""
    return words[:1].upper() + words[1:]
