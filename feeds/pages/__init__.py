"""The pages listeners see and the covers apps show: values in, bytes out, the same bytes for the same values.

A page is one file that sits beside its audio: style and script are inside, links are relative, no other host is asked for anything.
`assets()` are the few files all pages share; they lie below `_assets/` at the store's top.
"""

from feeds.pages.assets import Asset as Asset
from feeds.pages.assets import assets as assets
from feeds.pages.cover import episode_cover as episode_cover
from feeds.pages.cover import show_cover as show_cover
from feeds.pages.episode import episode_page as episode_page
from feeds.pages.show import show_page as show_page
