"""A show's page: the newest episode on the stage, the others below it."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from feeds.catalogue import Episode, Show
from feeds.pages import wording
from feeds.pages.follow import app_links, qr_svg
from feeds.pages.meta import json_for_html, show_data
from feeds.pages.render import render
from feeds.pages.strip import LIST_BARS, NARROW_BARS, WIDE_BARS, Strip, TimeScale, strip
from feeds.pages.voices import Voice, voices
from feeds.site import Site
from pipeline.clock import spoken

# So many are drawn; a show of ten thousand stays a page, its older episodes are lines of text.
DRAWN_EPISODES = 24
_SEARCH_FROM = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An episode in the list; `wide` and `narrow` None: not drawn."""

    episode: Episode
    href: str
    length: str
    voices: tuple[Voice, ...]
    wide: Strip | None
    narrow: Strip | None
    summary: str


def show_page(show: Show, episodes: Sequence[Episode], site: Site) -> bytes:
    """The page of the show; `episodes` newest first."""
    items = [
        _item(episode, bars=(LIST_BARS if n else WIDE_BARS) if n < DRAWN_EPISODES else 0) for n, episode in enumerate(episodes)
    ]
    return render(
        "show", root="../", show=show, language=show.language, listed=show.access == "public",
        newest=items[0] if items else None, older=items[1:], searchable=len(items) > _SEARCH_FROM, wording=wording,
        feed_url=site.feed_url(show), page_url=site.show_url(show), cover_url=site.url(f"{show.slug}/cover.jpg"),
        app_links=app_links(site.feed_url(show)), qr=Markup(qr_svg(site.show_url(show))),  # noqa: S704 - drawn here
        data=json_for_html(show_data(show, site)),
    )  # fmt: skip


def _item(episode: Episode, *, bars: int) -> Item:
    shown = voices(episode) if bars else ()
    sound = episode.sound
    wide = narrow = None
    if bars and sound and sound.activity.voices:
        scales = (TimeScale.over(sound.duration_s, bars=count) for count in (bars, NARROW_BARS))
        wide, narrow = (strip(sound.activity, shown, scale) for scale in scales)
    return Item(
        episode=episode,
        href=f"{episode.slug}/index.html",
        length=spoken(sound.duration_s) if sound else "",
        voices=shown,
        wide=wide,
        narrow=narrow,
        summary=wording.opening(episode.description)[0],
    )
