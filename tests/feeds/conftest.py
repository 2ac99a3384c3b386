"""Two stores in folders, and a show that is published."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from fakes_feeds import SITE, Diary, a_show

from feeds.catalogue import Episode, Show
from feeds.publish import Published, publish
from pipeline.stores import open_store

Publish = Callable[..., Published]


@pytest.fixture
def public(tmp_path: Path) -> Diary:
    return Diary(open_store(f"file://{tmp_path}/public"))


@pytest.fixture
def private(tmp_path: Path) -> Diary:
    return Diary(open_store(f"file://{tmp_path}/private"))


@pytest.fixture
def publishing(public: Diary, private: Diary) -> Publish:
    """Publishes into the two stores, which forget what was done to them before."""

    def publish_now(episodes: Sequence[Episode], show: Show | None = None, *, force: bool = False) -> Published:
        public.forget()
        private.forget()
        return publish(show or a_show(), episodes, public=public, private=private, site=SITE, force=force)

    return publish_now
