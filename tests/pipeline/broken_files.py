"""Files as rooms, stores and strangers leave them: each a function that writes one and says what it is."""

import struct
from pathlib import Path

import av
import numpy as np

from bench.sounds import RATE_HZ, encoded, joined, noise, run_ffmpeg, speech, wav

TEN_S = speech(10, -20, seed=7)


# ---- nothing can be heard in these


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def one_byte(path: Path) -> Path:
    path.write_bytes(b"O")
    return path


def text(path: Path) -> Path:
    path.write_text("Dear host,\nthe recording will follow.\n" * 40)
    return path


def error_page(path: Path) -> Path:
    path.write_text("<!DOCTYPE html>\n<html><head><title>403 Forbidden</title></head><body>" + "no " * 900 + "</body></html>")
    return path


def store_error(path: Path) -> Path:
    path.write_text('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Key>mix.ogg</Key></Error>')
    return path


def picture(path: Path) -> Path:
    made = run_ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", str(path.with_suffix(".png")))
    return made.rename(path)


def video_alone(path: Path) -> Path:
    return run_ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=2", "-c:v", "mpeg4", "-f", "mp4", str(path))


def header_alone(path: Path) -> Path:
    return wav(path, TEN_S[:0])


def no_channels(path: Path) -> Path:
    content = bytearray(wav(path, TEN_S).read_bytes())
    content[22:24] = b"\0\0"
    path.write_bytes(content)
    return path


def one_hertz(path: Path) -> Path:
    return wav(path, TEN_S, rate_hz=1)


def no_index(path: Path) -> Path:
    """An MP4 cut off before its index was written behind it."""
    whole = encoded(path, TEN_S, "-c:a", "aac", "-f", "mp4").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def random(path: Path) -> Path:
    path.write_bytes(np.random.default_rng(5).bytes(40_000))
    return path


def zeros(path: Path) -> Path:
    path.write_bytes(bytes(40_000))
    return path


def playlist(path: Path) -> Path:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nsecret.wav\n#EXT-X-ENDLIST\n")
    return path


def playlist_without_end(path: Path) -> Path:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nsecret.wav\n")
    return path


def playlist_of_itself(path: Path) -> Path:
    path.write_text(f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=64000\n{path.name}\n")
    return path


def long_playlist(path: Path) -> Path:
    path.write_text("#EXTM3U\n" + "#EXTINF:6,\nsecret.wav\n" * 100_000)
    return path


def concat_list(path: Path) -> Path:
    path.write_text("ffconcat version 1.0\nfile secret.wav\n")
    return path


def archive(path: Path) -> Path:
    path.write_bytes(b"PK\x03\x04" + bytes(60))
    return path


# ---- these lie about their length, and all of it is there


def _resized(path: Path, size: int) -> Path:
    content = bytearray(wav(path, TEN_S).read_bytes())
    content[40:44] = struct.pack("<I", size)
    path.write_bytes(content)
    return path


def size_zero(path: Path) -> Path:
    return _resized(path, 0)


def size_endless(path: Path) -> Path:
    return _resized(path, 0xFFFFFFFF)


def header_behind(path: Path) -> Path:
    """As a recorder leaves it that died before it wrote the last size."""
    return _resized(path, 8 * RATE_HZ * 2)


def size_44_too_many(path: Path) -> Path:
    return _resized(path, 10 * RATE_HZ * 2 + 44)


def words_behind(path: Path) -> Path:
    """A proper chunk behind the sound is no sound."""
    with wav(path, TEN_S).open("ab") as file:
        file.write(b"LIST" + struct.pack("<I", 26_000) + b"INFO" + b"x" * 25_996)
    return path


def odd_tail(path: Path) -> Path:
    with wav(path, TEN_S).open("ab") as file:
        file.write(b"\x01")
    return path


def chained(path: Path) -> Path:
    """Two Opus files in one Ogg, mono and then stereo."""
    first = encoded(path.with_suffix(".1.ogg"), TEN_S[: 4 * RATE_HZ], "-c:a", "libopus")
    second = encoded(path.with_suffix(".2.ogg"), np.stack([TEN_S[: 6 * RATE_HZ]] * 2), "-c:a", "libopus")
    return joined(path, [first, second])


def rate_changes(path: Path) -> Path:
    """AAC whose rate falls from 48 to 16 kHz on the way."""
    first = encoded(path.with_suffix(".1.aac"), TEN_S[: 5 * RATE_HZ], "-c:a", "aac")
    second = encoded(path.with_suffix(".2.aac"), TEN_S[: 5 * RATE_HZ], "-c:a", "aac", "-ar", "16000")
    return joined(path, [first, second])


# ---- part of these is gone


def cut_ogg(path: Path) -> Path:
    whole = encoded(path, TEN_S, "-c:a", "libopus", "-page_duration", "200000").read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    return path


def cut_fragments(path: Path) -> Path:
    movflags = "+frag_keyframe+empty_moov+default_base_moof"
    whole = encoded(path, TEN_S, "-c:a", "aac", "-movflags", movflags, "-frag_duration", "1000000").read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    return path


def corrupt_page(path: Path) -> Path:
    """An Ogg in whose middle some bytes were flipped: about a second cannot be read."""
    whole = bytearray(encoded(path, noise(10, -30), "-c:a", "libopus", "-b:a", "64k", "-page_duration", "1000000").read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 40] = bytes(byte ^ 255 for byte in whole[middle : middle + 40])
    path.write_bytes(whole)
    return path


def leap(path: Path) -> Path:
    """A WebM whose time stamps leap over five seconds after the fourth."""
    plain = encoded(path.with_suffix(".ogg"), TEN_S, "-c:a", "libopus")
    with av.open(str(plain)) as source, av.open(str(path), "w", format="webm") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.pts is None:
                continue
            shift = round(5 / packet.time_base) if packet.pts * packet.time_base > 4 else 0
            packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
            target.mux(packet)
    return path
