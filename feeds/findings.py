"""What a check says, what it asks with, and how it reads elements of a feed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from xml.etree.ElementTree import Element

from feeds.tags import NAMESPACES

REPUBLISH = "publish the show again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it should be: by which rule, what, and how it is put right. In one line."""

    rule: str
    said: str
    fix: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.said}; {self.fix}"


class Answer(Protocol):
    """What came back for a request; an `httpx.Response` is one. Header names are found in lower case."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


class Fetch(Protocol):
    """Asks an address for its bytes or only for its headers; `httpx.Client.request` is one."""

    def __call__(self, method: str, url: str, *, headers: Mapping[str, str] | None = None) -> Answer: ...


def path_of(name: str) -> str:
    """`itunes:image` as ElementTree looks for it."""
    prefix, _, local = name.rpartition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if prefix else local


def text_of(parent: Element, name: str) -> str:
    """The text of a child, stripped; empty where there is none."""
    return (parent.findtext(path_of(name)) or "").strip()


def attribute_of(parent: Element, name: str, attribute: str) -> str:
    """The attribute of a child; empty where there is none."""
    child = parent.find(path_of(name))
    return "" if child is None else child.get(attribute, "")


def duration_of(item: Element) -> float:
    """The seconds an item says it lasts; endless where it says nothing that can be read."""
    duration = text_of(item, "itunes:duration")
    return float(duration) if duration.isascii() and duration.isdigit() else float("inf")
