"""Pages read as a browser reads them: elements, attributes and text."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""
    inside: list["Element"] = field(default_factory=list)

    def all(self, tag: str, **wanted: str) -> list["Element"]:
        """Every element of that tag below, whose attributes hold the wanted words (`class_` for class)."""
        wanted = {name.rstrip("_"): value for name, value in wanted.items()}
        found = [e for e in self.inside if e.tag == tag and all(v in e.attributes.get(k, "") for k, v in wanted.items())]
        return [*found, *(e for child in self.inside for e in child.all(tag, **wanted))]

    def one(self, tag: str, **wanted: str) -> "Element":
        (found,) = self.all(tag, **wanted)
        return found


class _Reader(HTMLParser):
    _EMPTY = frozenset({"meta", "link", "input", "source", "br", "img"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element(tag="page", attributes={})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag=tag, attributes={name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in self._EMPTY:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].inside.append(Element(tag=tag, attributes={name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


def read(page: bytes) -> Element:
    """The page as elements; one that is not closed in order fails."""
    reader = _Reader()
    reader.feed(page.decode())
    assert len(reader.open) == 1
    return reader.open[0]
