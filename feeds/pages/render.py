"""Templates to bytes: escaped by default, style and script inside the page, and a policy that lets nothing else in."""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from feeds.pages.assets import font_faces, font_name

_HERE = Path(__file__).parent
# Runs before the first paint, so that what only works with script never flashes without it.
SCRIPT_IS_ON = 'document.documentElement.className="js"'


def render(name: str, *, root: str, own_style: str = "", **values: Any) -> bytes:
    """The page as UTF-8, from the template, style and script of that name.

    `root` leads from the page's folder to the store's top, `own_style` is the style that only this page has.
    """
    style = font_faces(root) + _static("base.css") + _static(f"{name}.css") + own_style
    late = _static(f"{name}.js")
    page = _templates().get_template(f"{name}.html.j2").render(
        style=Markup(style), early_script=Markup(SCRIPT_IS_ON), late_script=Markup(late),  # noqa: S704 - all three are ours
        policy=_policy(style, (SCRIPT_IS_ON, late)),
        fonts=[f"{root}_assets/{font_name(stem)}" for stem in ("instrument-sans-latin", "newsreader-latin")],
        root=root, **values,
    )  # fmt: skip
    return page.encode()


def _policy(style: str, scripts: Sequence[str]) -> str:
    # connect-src: nothing on the page connects, but Lighthouse reads robots.txt from inside it and fails the page otherwise
    allowed = " ".join(_hash(script) for script in scripts)
    return (
        "default-src 'none'; img-src 'self' data:; media-src 'self'; font-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; "
        f"style-src {_hash(style)}; script-src {allowed}"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _static(name: str) -> str:
    """Our own style or script without its comments and indentation: it travels with every page."""
    text = (_HERE / "static" / name).read_text(encoding="utf-8")
    return _lean_style(text) if name.endswith(".css") else _lean_script(text)


def _lean_style(text: str) -> str:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"\s*([{};,])\s*|(?<=:) ", r"\1", re.sub(r"\s+", " ", text)).replace(";}", "}")


def _lean_script(text: str) -> str:
    return re.sub(r"^\s*(//.*)?\n?", "", text, flags=re.MULTILINE)


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(_HERE / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
