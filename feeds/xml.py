"""Elements as text: escaped, indented, and refused when a character cannot stand in XML."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_VALUE = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})
_MARKS = re.compile('[&<>"\t\n\r]')
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Filling(NamedTuple):
    """What an element holds: text or children, and its attributes; those with an empty value are not written."""

    text: str | None = None
    attributes: Mapping[str, str] = {}
    children: tuple[tuple[str, "Filling"], ...] = ()


def lines(elements: Iterable[tuple[str, Filling]], indent: str) -> str:
    """The elements, one a line, children below their parent; a character XML forbids is a ValueError."""
    text = "".join(_lines(name, filling, indent) for name, filling in elements)
    if forbidden := _NO_XML.search(text):
        raise ValueError(f"U+{ord(forbidden[0]):04X} cannot stand in XML")
    return text


def _lines(name: str, filling: Filling, indent: str) -> str:
    text, attributes, children = filling
    tag = name
    for key, value in attributes.items():
        if value:
            tag += f' {key}="{value.translate(_VALUE) if _MARKS.search(value) else value}"'
    if children:
        inner = "".join([_lines(child, filled, indent + "  ") for child, filled in children])
        return f"{indent}<{tag}>\n{inner}{indent}</{name}>\n"
    if text is None:
        return f"{indent}<{tag}/>\n"
    return f"{indent}<{tag}>{text.translate(_TEXT) if _MARKS.search(text) else text}</{name}>\n"
