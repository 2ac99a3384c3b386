"""An episode's page, from values alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from feeds import documents
from feeds.catalogue import Episode, Show, StoredRendition
from feeds.pages import wording
from feeds.pages.follow import app_links, qr_svg
from feeds.pages.meta import episode_data, json_for_html
from feeds.pages.render import render
from feeds.pages.strip import CHAPTER_GAP, HEIGHT, NARROW_BARS, WIDE_BARS, Section, Strip, TimeScale, strip
from feeds.pages.turns import Part, Turn, parts, written_starts
from feeds.pages.voices import Voice, colours_by_name, voices, web_url
from feeds.site import Site
from pipeline.clock import spoken, written
from pipeline.models import Chapter
from pipeline.telling import Script, picture_file

_FORMATS = {
    "mp3": ("MP3", "plays everywhere"), "m4a": ("M4A", "AAC, for Apple devices"), "opus": ("Opus", "the smallest"),
    "flac": ("FLAC", "lossless"), "wav": ("WAV", "for editing"),
}  # fmt: skip
_WIDEST_EXCERPT_PX = 240
# From an episode's folder to the top of the store.
_ROOT = "../../"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLink:
    href: str
    label: str
    about: str
    mime_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """One chapter's piece of a strip, shown again at its heading: the id of the strip, the window, and its width in pixels."""

    of: str
    view_box: str
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strips:
    """The strip in both widths, the chapter that begins each section of it, and a piece of it by each chapter's start."""

    wide: Strip
    narrow: Strip
    labels: tuple[Chapter | None, ...]
    excerpts: Mapping[float, Excerpt]


def episode_page(show: Show, episode: Episode, script: Script, site: Site) -> bytes:
    """The page as a file that sits beside the audio: every link relative, every word and chapter in the HTML."""
    shown = voices(episode)
    drawn = strips(episode, script, shown)
    told = parts(script)
    deck, notes = wording.opening(episode.description)
    return render(
        "episode", root=_ROOT, own_style=_label_columns(drawn),
        show=show, episode=episode, script=script, deck=deck, notes=notes, language=script.language or show.language,
        voices=shown, strips=drawn, parts=told, beats=_beats(told), name_of=_namer(script, shown),
        consent=_consent(show, episode), listed=show.access == episode.access == "public",
        audio=files(episode), documents=_documents(script), word_count=_word_count(told),
        written=written, spoken=spoken, second=second, web_url=web_url, host_of=host_of, wording=wording, picture_file=picture_file,
        feed_url=site.feed_url(show), page_url=site.episode_url(episode), cover_url=site.url(f"{episode.prefix}cover.jpg"),
        app_links=app_links(site.feed_url(show)), qr=Markup(qr_svg(site.episode_url(episode))),  # noqa: S704 - drawn here
        removal=_removal(show, episode), data=json_for_html(episode_data(show, episode, script, site)),
    )  # fmt: skip


def strips(episode: Episode, script: Script, shown: Sequence[Voice]) -> Strips | None:
    """What was measured, drawn; None where nothing was."""
    if episode.sound is None or not episode.sound.activity.voices:
        return None
    draw = partial(strip, episode.sound.activity, shown)
    starts = [c.start_s for c in script.chapters]
    wide, narrow = (TimeScale.over(script.duration_s, starts, bars=bars) for bars in (WIDE_BARS, NARROW_BARS))
    by_start = {c.start_s: c for c in reversed(script.chapters)}
    return Strips(
        wide=draw(wide), narrow=draw(narrow), labels=tuple(by_start.get(s.start_s) for s in wide.sections),
        excerpts={s.start_s: _excerpt(s, n) for s, n in zip(wide.sections, narrow.sections, strict=True)},
    )  # fmt: skip


def _excerpt(wide: Section, narrow: Section) -> Excerpt:
    """True to scale: a long chapter has more bars than a short one, and never so many that they clot."""
    of, section = ("wide", wide) if wide.width <= _WIDEST_EXCERPT_PX else ("narrow", narrow)
    return Excerpt(of=of, view_box=f"{section.x} 0 {section.width} {HEIGHT}", width=section.width)


def _label_columns(drawn: Strips | None) -> str:
    """Chapter names as wide as their part of the strip; a style rule, for the policy allows no style attributes."""
    if drawn is None:
        return ""
    scale = drawn.wide.scale
    columns = " ".join(f"minmax(0,{s.bars}fr)" for s in scale.sections)
    return f".labels{{grid-template-columns:{columns};column-gap:{100 * CHAPTER_GAP / scale.width:.4f}%}}"


def files(episode: Episode) -> tuple[FileLink, ...]:
    """The audio files by relative address, in the catalogue's order: what plays everywhere comes first."""
    ordered = sorted(episode.renditions, key=lambda r: r.format != "mp3")
    return tuple(_file(episode, rendition) for rendition in ordered)


def _documents(script: Script) -> Mapping[str, list[str]]:
    """What the words can be taken along as: files by kind, the plain one first."""
    told = sorted(documents.told_by(script), key=lambda d: (d.PLACE, d.FILE))
    return {kind: [d.FILE for d in told if kind == d.KIND] for kind in ("transcript", "chapters")}


def _file(episode: Episode, rendition: StoredRendition) -> FileLink:
    label, about = _FORMATS.get(rendition.format, (rendition.format.upper(), ""))
    about = ", ".join(part for part in (wording.size(rendition.size_bytes), about) if part)
    inside = rendition.key.startswith(episode.prefix)
    href = quote(rendition.key.removeprefix(episode.prefix) if inside else f"{_ROOT}{rendition.key}")
    return FileLink(href=href, label=label, about=about, mime_type=rendition.mime_type)


def _namer(script: Script, shown: Sequence[Voice]) -> Any:
    """Turn -> (colour, name to show): a voice without a name is told apart from those that have one."""
    colours: Mapping[str, int] = colours_by_name(tuple(shown))
    anybody = any(s.speaker for s in script.segments)
    audience = next((v.colour for v in shown if v.audience), 0)

    def name_of(turn: Turn) -> tuple[int, str]:
        if turn.speaker:
            return colours.get(turn.speaker, 0), turn.speaker
        return (audience, "A voice from the room" if audience else "Another voice") if anybody else (0, "")

    return name_of


def _beats(told: Sequence[Part]) -> Markup:
    """A line of letters for every turn in order; nothing where no word has a time."""
    turns = [turn for part in told for turn in part.turns]
    if not any(turn.starts_s for turn in turns):
        return Markup()
    return Markup("\n".join(written_starts(turn) for turn in turns))  # noqa: S704 - letters from turns.LETTERS


def _word_count(told: Sequence[Part]) -> str:
    count = sum(len(turn.text.split()) for part in told for turn in part.turns)
    return f"{round(count, -2):,}" if count >= 1000 else str(count)


def second(at_s: float) -> str:
    """A time for `#t=`, no longer than it must be."""
    return f"{at_s:.2f}".rstrip("0").rstrip(".")


def host_of(url: str) -> str:
    """`example.org/guide`: an address as people read it."""
    parts_of_it = urlsplit(url)
    return (parts_of_it.netloc.removeprefix("www.") + parts_of_it.path).rstrip("/")


def _consent(show: Show, episode: Episode) -> str:
    """The sentence that is true; nothing where nobody in the room is known."""
    if not episode.people:
        return ""
    agreed, told = "Everyone you hear agreed to be published.", "Everyone in the room was told of the recording."
    return agreed if show.consent == "required" else told


def _removal(show: Show, episode: Episode) -> str:
    if not show.owner_email:
        return ""
    return f"mailto:{quote(show.owner_email)}?subject={quote(f'Please remove a passage: {episode.title} ({episode.slug})')}"
