"""Made files reach the store once."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import Broken
from pipeline.models import MadeFile
from pipeline.stores import Stat
from pipeline.stores.folder import FolderStore
from pipeline.upload import Sending, upload

CACHE = "public, max-age=300"


class CountingStore(FolderStore):
    """Counts what is really sent."""

    sent: int = 0

    def put(self, key: str, content: bytes | Path, **about: Any) -> Stat:
        self.sent += 1
        return super().put(key, content, **about)


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path / "store")


def made(path: Path, content: bytes) -> MadeFile:
    path.write_bytes(content)
    return MadeFile.of(path)


def sending(made: MadeFile, key: str, mime_type: str = "audio/mpeg", cache_control: str = CACHE, filename: str = "") -> Sending:
    return Sending(made=made, key=key, mime_type=mime_type, cache_control=cache_control, filename=filename)


def test_each_file_lies_under_its_key_in_their_order(store: CountingStore, tmp_path: Path) -> None:
    mp3, opus = made(tmp_path / "a", b"a" * 300), made(tmp_path / "b", b"b" * 100)
    shares: list[float] = []
    files = [sending(mp3, "s/e/episode.mp3"), sending(opus, "s/e/episode.opus", "audio/ogg")]
    stats = upload(store, files, shares.append)
    assert [(s.key, s.size_bytes, s.sha256, s.mime_type) for s in stats] == [
        ("s/e/episode.mp3", 300, mp3.sha256, "audio/mpeg"), ("s/e/episode.opus", 100, opus.sha256, "audio/ogg"),
    ]  # fmt: skip
    assert shares == [0.75, 1.0]


def test_what_lies_there_already_is_not_sent_again(store: CountingStore, tmp_path: Path) -> None:
    files = [sending(made(tmp_path / "a", b"sound"), "s/e/episode.mp3", filename="Night.mp3")]
    assert upload(store, files) == upload(store, files)
    assert store.sent == 1


@pytest.mark.parametrize(
    ("content", "mime_type", "cache", "filename"),
    [
        (b"other", "audio/mpeg", CACHE, "Night.mp3"), (b"sound", "audio/mp4", CACHE, "Night.mp3"),
        (b"sound", "audio/mpeg", "no-store", "Night.mp3"), (b"sound", "audio/mpeg", CACHE, "Day.mp3"),
    ],
)  # fmt: skip
def test_what_differs_is_sent(
    store: CountingStore, tmp_path: Path, content: bytes, mime_type: str, cache: str, filename: str
) -> None:
    upload(store, [sending(made(tmp_path / "a", b"sound"), "e.mp3", filename="Night.mp3")])
    (stat,) = upload(store, [sending(made(tmp_path / "b", content), "e.mp3", mime_type, cache, filename)])
    assert store.sent == 2
    assert (stat.mime_type, stat.cache_control, store.get("e.mp3")) == (mime_type, cache, content)
    assert f'filename="{filename}"' in stat.disposition


def test_a_file_that_changed_under_way_is_noticed(store: CountingStore, tmp_path: Path) -> None:
    file = made(tmp_path / "a", b"sound")
    file.path.write_bytes(b"noise")
    with pytest.raises(Broken, match="other bytes"):
        upload(store, [sending(file, "e.mp3")])


def test_nothing_to_send_is_nothing(store: CountingStore) -> None:
    assert upload(store, []) == ()
