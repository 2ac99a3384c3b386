"""WAV, the one container that we write ourselves: a header of 44 bytes, then samples."""

from typing import Literal

HEADER_BYTES = 44
# As much as the header's fields can say; what goes on longer is read to its end.
MOST_BYTES = 0xFFFFFFFF
Kind = Literal["s16", "f32"]


def header(data_bytes: int, kind: Kind, *, rate_hz: int, channels: int) -> bytes:
    """The canonical header of so many bytes of interleaved samples (RIFF WAVE, format 1 integers, 3 floats)."""
    width, number = {"s16": (2, 1), "f32": (4, 3)}[kind]
    whole = min(data_bytes, MOST_BYTES - 36)
    frame = width * channels
    fields = [(16, 4), (number, 2), (channels, 2), (rate_hz, 4), (frame * rate_hz, 4), (frame, 2), (8 * width, 2)]
    form = b"".join(value.to_bytes(size, "little") for value, size in fields)
    return b"RIFF" + (whole + 36).to_bytes(4, "little") + b"WAVEfmt " + form + b"data" + whole.to_bytes(4, "little")
