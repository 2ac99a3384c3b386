"""Where a show's public files are reached."""

from dataclasses import dataclass

from feeds.catalogue import Episode, Show


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The permanent addresses of one installation.

    Pages are named with their `index.html`: a bare bucket knows no folders.
    """

    public_url: str
    # WebSub hub that is told of changes; empty: none
    hub_url: str = ""
    generator: str = "Aircheck"

    def url(self, key: str) -> str:
        """The address of a file of the public store; what a key may hold stands in an address as it is."""
        return f"{self.public_url.rstrip('/')}/{key}"

    def feed_url(self, show: Show) -> str:
        return self.url(f"{show.slug}/feed.xml")

    def show_url(self, show: Show) -> str:
        return self.url(f"{show.slug}/index.html")

    def episode_url(self, episode: Episode) -> str:
        return self.url(f"{episode.prefix}index.html")
