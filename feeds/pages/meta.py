"""What a page tells machines about itself: schema.org as JSON-LD."""

import json
from typing import Any

from markupsafe import Markup

from feeds.catalogue import Episode, Show
from feeds.pages.wording import iso_duration
from feeds.site import Site
from pipeline.telling import Script


def json_for_html(value: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - nothing left to escape


def is_free(show: Show, episode: Episode) -> bool:
    """Whether anybody who has the address may listen."""
    return {show.access, episode.access} <= {"public", "unlisted"}


def show_data(show: Show, site: Site) -> dict[str, Any]:
    """The show as schema.org's PodcastSeries."""
    data = {"@context": "https://schema.org", "@type": "PodcastSeries", "name": show.title, "url": site.show_url(show)}
    more = {"description": show.description, "inLanguage": show.language}
    return data | {"webFeed": site.feed_url(show)} | {key: value for key, value in more.items() if value}


def episode_data(show: Show, episode: Episode, script: Script, site: Site) -> dict[str, Any]:
    """The episode as schema.org's PodcastEpisode, its audio file included."""
    data: dict[str, Any] = {
        "@context": "https://schema.org", "@type": "PodcastEpisode", "name": episode.title, "url": site.episode_url(episode),
        "datePublished": episode.started_at.isoformat(), "duration": iso_duration(script.duration_s),
        "inLanguage": script.language or show.language, "isAccessibleForFree": is_free(show, episode),
        "partOfSeries": {"@type": "PodcastSeries", "name": show.title, "url": site.show_url(show), "webFeed": site.feed_url(show)},
    }  # fmt: skip
    if episode.description:
        data["description"] = episode.description
    if episode.renditions:
        first = episode.renditions[0]
        data["associatedMedia"] = {
            "@type": "AudioObject", "contentUrl": site.url(first.key), "encodingFormat": first.mime_type,
            "contentSize": str(first.size_bytes), "duration": iso_duration(first.duration_s),
        }  # fmt: skip
    return data
