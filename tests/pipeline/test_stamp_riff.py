import struct

import av
import numpy as np
import pytest
from mutagen.wave import WAVE
from stamped_files import by_mutagen, chapters_in, sound_in, titled

from pipeline.models import MadeFile, Rendition
from pipeline.stamp import stamp
from pipeline.stamp.riff import put_id3
from pipeline.telling import Tags

# of a 16-bit mono WAV of one chunk
HEAD_BYTES = 44


def wav(path, **options: str) -> Rendition:
    with av.open(str(path), "w", format="wav", options=options) as file:
        stream = file.add_stream("pcm_s16le", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.arange(4801, dtype=np.int16)[None], format="s16", layout="mono")
        frame.rate = 48000
        file.mux([*stream.encode(frame), *stream.encode(None)])
    return Rendition(
        format="wav", file=MadeFile.of(path), mime_type="audio/wav", duration_s=0.1, channels=1, bitrate_kbps=768
    )  # fmt: skip


@pytest.fixture
def tags() -> Tags:
    return Tags(title="Odd", artist="Ana", album="Tuesday", date="2026-11-20", chapters=titled("One", "Two", each_s=0.05))


@pytest.mark.parametrize(("rf64", "head"), [("never", b"RIFF"), ("always", b"RF64")])
def test_a_wav_of_either_kind_gets_its_tags_behind_the_sound(tmp_path, here, tags, rf64, head):
    plain = wav(tmp_path / "plain.wav", rf64=rf64)
    (once,) = stamp((plain,), tags, children=here, scratch=tmp_path)
    (again,) = stamp((once,), tags, children=here, scratch=tmp_path)
    content = once.file.path.read_bytes()
    assert content.startswith(head) and again.file.sha256 == once.file.sha256
    assert struct.unpack_from("<I" if head == b"RIFF" else "<Q", content, 4 if head == b"RIFF" else 20) == (len(content) - 8,)
    assert chapters_in(once.file.path) == [(0.0, "One"), (0.05, "Two")]
    assert sound_in(once.file.path) == sound_in(plain.file.path)


def test_a_shorter_tag_leaves_nothing_of_the_one_before(tmp_path, here, tags):
    plain = wav(tmp_path / "plain.wav")
    (once,) = stamp((plain,), tags, children=here, scratch=tmp_path)
    (less,) = stamp((once,), Tags(title="Odd", artist="", album="", date=""), children=here, scratch=tmp_path)
    (at_once,) = stamp((plain,), Tags(title="Odd", artist="", album="", date=""), children=here, scratch=tmp_path)
    assert by_mutagen(less.file.path).title == "Odd" and less.file.sha256 == at_once.file.sha256


def test_a_wav_that_can_count_no_further_stays_as_it_is(tmp_path):
    full = tmp_path / "full.wav"
    plain = wav(tmp_path / "plain.wav", rf64="never").file.path.read_bytes()
    sound_bytes = 0xFFFFFFFF - HEAD_BYTES - 91  # mostly a hole, which takes no room on the disk
    with full.open("wb") as file:
        file.write(plain[:4] + struct.pack("<I", HEAD_BYTES - 8 + sound_bytes) + plain[8:40] + struct.pack("<I", sound_bytes))
        file.truncate(HEAD_BYTES + sound_bytes)
    put_id3(full, b"ID3\x03\x00\x00\x00\x00\x07\x76" + bytes(1014))
    assert full.stat().st_size == HEAD_BYTES + sound_bytes and WAVE(full).tags is None
    put_id3(full, b"ID3\x03\x00\x00\x00\x00\x00\x16" + bytes(22))
    assert WAVE(full).tags is not None
