"""Pictures of topics come from where the room's files may come from, and no larger than five million bytes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from rooms_to_fetch import Say, left_in

from pipeline.errors import Broken, Refused
from pipeline.models import MadeFile
from workers.fetch import PICTURE_BYTES, fetch_picture
from workers.settings import Settings

if TYPE_CHECKING:
    from conftest import WebPage

Web: TypeAlias = "tuple[int, type[WebPage]]"


def fetched(path: str, root: str, scratch: Path, settings: Settings) -> MadeFile:
    return fetch_picture(path, root, to=scratch / "pictures" / "one", most_s=5.0, settings=settings)


def test_a_picture_comes_as_it_is_from_this_machine_and_over_https(tmp_path: Path, web: Web, scratch: Path, settings: Say) -> None:
    port, _ = web
    (tmp_path / "a.jpg").write_bytes(b"sound")
    here = fetched("a.jpg", tmp_path.as_uri(), scratch, settings())
    here.path.unlink()
    far = fetched("a b.jpg", f"https://127.0.0.1:{port}/rec", scratch, settings(hooks__allowed_hosts=f"127.0.0.1:{port}=private"))
    assert here.sha256 == far.sha256


def test_one_that_is_too_large_is_refused_wherever_it_lies(tmp_path: Path, web: Web, scratch: Path, settings: Say) -> None:
    port, page = web
    page.answer = staticmethod(lambda _page: (200, {}, b"x" * (PICTURE_BYTES + 1)))
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(PICTURE_BYTES + 1)
    for root in (tmp_path.as_uri(), f"https://127.0.0.1:{port}"):
        with pytest.raises(Refused, match="5,242,88"):
            fetched("large.jpg", root, scratch, settings(hooks__allowed_hosts=f"127.0.0.1:{port}=private"))
    assert left_in(scratch) == []


def test_what_lies_elsewhere_is_no_file_or_is_not_there_is_not_read(tmp_path: Path, scratch: Path, settings: Say) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (room / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    os.mkfifo(room / "pipe.jpg")
    (room / "round.jpg").symlink_to(room / "round.jpg")
    for name, kind in [("out.jpg", Refused), ("../secret.jpg", Refused), ("pipe.jpg", Refused)]:
        with pytest.raises(kind):
            fetched(name, room.as_uri(), scratch, settings())
    for name in ("none.jpg", "round.jpg", "x" * 300 + ".jpg"):
        with pytest.raises((Broken, Refused)):
            fetched(name, room.as_uri(), scratch, settings())
    with pytest.raises(Refused, match="may not be read"):
        fetched("https://127.0.0.1:9/a.jpg", room.as_uri(), scratch, settings())
    assert left_in(scratch) == []
