"""Text from rooms is data: it is cleaned once, at the door, and escaped by whoever writes it into a format.

Unicode: control characters, lone surrogates, noncharacters and direction overrides go (UAX #9, Trojan Source); newlines collapse.
"""

import re
import unicodedata

_GONE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # C0 and C1 controls but tab, newline, return
    "\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"  # zero width space, direction marks, byte order mark
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # surrogates, noncharacters
    "\U000e0000-\U000e007f"  # tags
    + "".join(chr(0x10000 * plane + low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF))
    + "]"
)


def _clean(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", _GONE.sub("", text))


def clean_line(text: str, limit: int = 255) -> str:
    """One line without control or direction characters, at most `limit` characters, cut at a word where that is near."""
    line = " ".join(_clean(text).split())
    if len(line) <= limit:
        return line
    head = line[: limit - 1]
    space = head.rfind(" ")
    return (head[:space] if space > limit * 2 // 3 else head).rstrip() + "…"


def clean_block(text: str, limit: int = 4000) -> str:
    """Paragraphs: as `clean_line`, but single and double newlines stay."""
    lines = [" ".join(line.split()) for line in _clean(text).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:limit]


def slug(text: str, fallback: str = "show") -> str:
    """A-Z, 0-9 and single dashes, lower case, 1 to 64 characters: safe in an address, a key and a path."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].strip("-") or fallback
