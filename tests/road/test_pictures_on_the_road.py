"""A picture that was pinned with a topic is seen wherever its chapter is; one that cannot be had stops nothing."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import feedparser
from mutagen.id3 import ID3
from PIL import Image


def pinned(room: Path, to: Path, *, access: str = "public") -> Path:
    """A copy of the room with two topics whose pictures are there, and two whose are not."""
    shutil.copytree(room, to)
    (to / "pictures").mkdir()
    Image.new("RGB", (1600, 900), "teal").save(to / "pictures" / "train.png")
    Image.new("RGB", (64, 64), "orange").save(to / "pictures" / "bread.jpg")
    (to / "pictures" / "text.jpg").write_text("Not a picture.")
    (to / "pictures" / "secret.jpg").symlink_to(to.parent / "outside.jpg")
    Image.new("RGB", (64, 64), "red").save(to.parent / "outside.jpg")
    manifest = json.loads((to / "room.json").read_text())
    manifest["room"] |= {"access": access}
    manifest["events"] = [
        {"t": 0.5, "type": "topic_pinned", "title": "Trains", "url": "https://example.org/trains", "image": "pictures/train.png"},
        {"t": 17.0, "type": "topic_pinned", "title": "Bread", "image": "pictures/bread.jpg"},
        {"t": 39.0, "type": "topic_pinned", "title": "Text", "image": "pictures/text.jpg"},
        {"t": 39.5, "type": "topic_pinned", "title": "Secret", "image": "pictures/secret.jpg"},
    ]
    (to / "room.json").write_text(json.dumps(manifest))
    return to


def pictures_below(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("chapter-*.jpg")}


def test_a_pinned_picture_is_in_the_file_the_chapters_the_feed_and_the_page(aircheck: Any, room: Path, tmp_path: Path) -> None:
    made = aircheck("produce", pinned(room, tmp_path / "room"), "--show", "seen", "--json").data
    mp3 = Path(made["renditions"][0]["path"])
    public = pictures_below(mp3.parent)
    assert [chapter["title"] for chapter in made["chapters"]] == ["Trains", "Bread"] and len(public) == 2
    for content in public.values():
        with Image.open(io.BytesIO(content)) as picture:
            assert (picture.format, max(picture.size) <= 600, len(content) <= 60_000) == ("JPEG", True, True)
    told = json.loads((mp3.parent / "chapters.json").read_text())["chapters"]
    images = [chapter["img"] for chapter in told]
    assert [image.rpartition("/")[2] in public for image in images] == [True, True] and images[0].startswith("http")
    inside = sorted(ID3(mp3).getall("CHAP"), key=lambda chapter: chapter.start_time)
    assert [chapter.sub_frames["APIC:"].data for chapter in inside] == [public[image.rpartition("/")[2]] for image in images]
    assert [image in (mp3.parent / "index.html").read_text() for image in public] == [True, True]
    assert all(image in Path(made["feed"]["path"]).read_text() for image in images)
    assert feedparser.parse(made["feed"]["path"]).entries[0].enclosures[0].length == str(mp3.stat().st_size)
    reasons = [warning["why"] for warning in made["warnings"] if "picture" in warning["why"]]
    assert [why.partition(": ")[0] for why in reasons] == [f"the picture of “{name}” is left out" for name in ("Text", "Secret")]
    assert "no picture that can be read" in reasons[0] and "outside of the recording's folder" in reasons[1]


def test_the_pictures_of_a_private_room_are_seen_by_nobody(aircheck: Any, brief_room: Path, tmp_path: Path) -> None:
    aircheck("produce", pinned(brief_room, tmp_path / "room", access="private"), "--show", "hidden", "--json")
    data = aircheck.folder
    kept = list(data.rglob("pictures/*.jpg"))
    assert kept and all("private" in path.parts for path in kept) and pictures_below(data) == {}
