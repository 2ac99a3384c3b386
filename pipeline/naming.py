"""What a file is called when people save it: a name that every system can keep, told to browsers as RFC 6266 wants it."""

import re
import unicodedata
from typing import Literal
from urllib.parse import quote

from pipeline.text import clean_line

_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')
_LONGEST = 120


def file_name(title: str, ending: str) -> str:
    """`What the outage taught us.mp3`: the title as far as a file may be called so."""
    return (_kept(title) or "episode") + ending


def disposition(filename: str, how: Literal["inline", "attachment"] = "inline") -> str:
    """Content-Disposition for that name, with plain letters for those who know no others; "" for no name."""
    if not filename:
        return ""
    stem, dot, ending = filename.rpartition(".") if "." in filename else (filename, "", "")
    full = file_name(stem, dot + ending)
    return f"{how}; filename=\"{_plain(stem)}{_ascii(dot + ending)}\"; filename*=UTF-8''{quote(full, safe='')}"


def _kept(title: str) -> str:
    return clean_line(_UNSAFE.sub(" ", title), _LONGEST).strip(". ")


def _plain(stem: str) -> str:
    return _ascii(_kept(stem)).strip("-. ") or "episode"


def _ascii(text: str) -> str:
    # what is taken apart here may come out as a quote or a slash
    return _UNSAFE.sub("", unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode())
