"""What we were given: every audio stream that can be decoded, how long it is and what is missing.

Headers are not believed: seconds are counted packet by packet, and a little of each stream is decoded to see that it can be.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from pipeline.child import Children, Report, quiet
from pipeline.clock import spoken
from pipeline.decode import Frames, containers
from pipeline.errors import Refused, ToolFailed
from pipeline.models import Fetched, Found, Loss, Probed
from pipeline.plan import ProbePlan

VERSION = 2
LEAST_RATE_HZ = 4000
# Frames of which at least one must hold sound before a stream is believed.
TASTE = 100
# A header is believed where the packets say the same, give or take an encoder's padding.
PADDING_S = 0.1
# How far a file may fall short of what its recorder said before it is a loss.
SLACK_S, SLACK_SHARE = 0.5, 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of one file: its streams, or why there are none."""

    streams: tuple[Probed, ...] = ()
    code: str = ""
    why: str = ""


def probe(fetched: tuple[Fetched, ...], plan: ProbePlan = ProbePlan(), *, children: Children, report: Report = quiet) -> Found:
    """Every audio stream of the files; what cannot be read is a loss while another file can.

    Refused, in one line that says why, when no file holds sound or one is too long.
    """
    tried = _tried(fetched, plan, children, report)
    failures = [(one, result) for one, result in zip(fetched, tried, strict=True) if result.why]
    too_long = next((result for _, result in failures if result.code == "too_long"), None)
    if too_long or len(failures) == len(fetched):
        raise _refusal([result for _, result in failures], too_long)
    losses = tuple(
        Loss(at_s=one.source.start_offset_s, lost_s=one.source.duration_s or 0.0, why=result.why) for one, result in failures
    )
    return Found(streams=tuple(stream for result in tried for stream in result.streams), losses=losses)


def _tried(fetched: tuple[Fetched, ...], plan: ProbePlan, children: Children, report: Report) -> tuple[Tried, ...]:
    """All files in one child; when one of them kills it, each in its own, so that the others are heard."""
    try:
        return children.run(try_all, fetched, plan, report=report)
    except ToolFailed:
        if len(fetched) == 1:
            raise
    return tuple(_alone(one, plan, children) for one in fetched)


def _alone(one: Fetched, plan: ProbePlan, children: Children) -> Tried:
    try:
        return children.run(try_all, (one,), plan)[0]
    except ToolFailed as failure:
        return Tried(code=failure.code, why=f"{one.source.path} broke its decoder: {failure}")


def _refusal(failures: list[Tried], too_long: Tried | None) -> Refused:
    if not failures:
        return Refused("this recording names no files; there is nothing to hear", code="no_files")
    first = too_long or failures[0]
    more = f" (and {len(failures) - 1} more cannot be read)" if len(failures) > 1 and not too_long else ""
    return Refused(first.why + more, code=first.code)


# ---- in the child


def try_all(fetched: tuple[Fetched, ...], plan: ProbePlan, report: Report) -> tuple[Tried, ...]:
    """What comes of each file."""
    av.logging.set_level(None)
    tried = []
    for n, one in enumerate(fetched, 1):
        try:
            tried.append(Tried(streams=streams_of(one, plan)))
        except Refused as refusal:
            tried.append(Tried(code=refusal.code, why=str(refusal)))
        report(n / len(fetched))
    return tuple(tried)


def streams_of(one: Fetched, plan: ProbePlan) -> tuple[Probed, ...]:
    """The file's audio streams that can be decoded; Refused when there is none."""
    name = one.source.path
    try:
        streams = _measured(one)
    except Refused as refusal:
        raise Refused(str(refusal).replace(one.file.path.name, name, 1), code=refusal.code) from refusal
    except av.FFmpegError as error:
        raise Refused(
            f"{name} cannot be read: {_said(error)}; if it was cut off while recording, its index is lost", code="unreadable"
        ) from error
    good = tuple(s for s in streams if _decodes(s))
    if not good:
        raise Refused(f"{name} holds {_instead(one)}; there is no sound in it", code="no_audio")
    longest = max(s.duration_s for s in good)
    if longest < plan.shortest_s:
        raise Refused(f"{name} is {longest:.1f} s long; a room has at least {plan.shortest_s:g} s of sound", code="too_short")
    # A recorder stops at whole hours, and a frame later.
    if longest > plan.longest_s + SLACK_S:
        limit = f"{spoken(plan.longest_s)} (limits.longest_s)"
        raise Refused(f"{name} is {spoken(longest)} long; the limit is {limit}", code="too_long")
    return tuple(replace(s, losses=_shortfall(one, s)) for s in good)


def _said(error: av.FFmpegError) -> str:
    return _logged(error) or error.strerror or str(error)


def _logged(error: av.FFmpegError) -> str:
    log: Any = error.log
    return str(log[2]).strip() if log else ""


def _instead(one: Fetched) -> str:
    for container in containers(one.file.path):
        if container.streams.audio:
            return "an audio stream of which nothing can be decoded"
        if container.streams.video:
            return "pictures and no audio stream"
    return "no audio stream"


def _measured(one: Fetched) -> list[Probed]:
    """The streams as their packets describe them; the links of a chained Ogg follow one another."""
    found: dict[int, Probed] = {}
    for container in containers(one.file.path):
        for probed in _streams(one, container):
            known = found.get(probed.stream)
            found[probed.stream] = probed if known is None else _joined(known, probed)
    return list(found.values())


def _joined(known: Probed, more: Probed) -> Probed:
    return replace(known, duration_s=known.duration_s + more.duration_s, channels=max(known.channels, more.channels))


def _streams(one: Fetched, container: InputContainer) -> Iterator[Probed]:
    clocks = [_PacketClock(stream) for stream in container.streams.audio]
    try:
        for packet in container.demux(container.streams.audio) if clocks else ():
            clocks[container.streams.audio.index(packet.stream)].count(packet)
    except (av.FFmpegError, EOFError):
        # What was counted until here is what there is.
        pass
    origin_s = min((c.first_s for c in clocks if c.first_s is not None), default=0.0)
    for n, clock in enumerate(clocks):
        late_s = 0.0 if clock.first_s is None else max(clock.first_s - origin_s, 0.0)
        yield Probed(
            file=one.file, kind=one.source.kind, participant=one.source.participant, part=one.source.part,
            start_offset_s=one.source.start_offset_s + (late_s if late_s > PADDING_S else 0.0),
            codec=clock.stream.codec_context.name, rate_hz=clock.stream.rate or 0, channels=clock.stream.channels or 0,
            duration_s=clock.duration_s, stream=n,
        )  # fmt: skip


class _PacketClock:
    """Seconds of one stream by its packets' stamps, in the way `decode.Frames` counts them."""

    def __init__(self, stream: AudioStream) -> None:
        self.stream = stream
        self.tick_s = float(stream.time_base or 0)
        self.raw_aac = stream.container.format.name == "aac"
        self.first_s: float | None = None
        self.base_s = self.end_s = 0.0

    def count(self, packet: "av.Packet[AudioStream]") -> None:
        if not packet.size:
            return
        length_s = _adts_s(bytes(packet)) if self.raw_aac else (packet.duration or 0) * self.tick_s
        if packet.pts is None or self.raw_aac:
            self.end_s += length_s
            return
        at_s = packet.pts * self.tick_s
        if self.first_s is None:
            self.first_s = at_s
            self.base_s = -max(at_s, 0.0)
        elif self.base_s + at_s < self.end_s - 1.0:
            self.base_s = self.end_s - at_s
        self.end_s = max(self.end_s, self.base_s + at_s + length_s)

    @property
    def duration_s(self) -> float:
        header_s = (self.stream.duration or 0) * self.tick_s
        return min(header_s, self.end_s) if abs(header_s - self.end_s) < PADDING_S else self.end_s


_ADTS_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


def _adts_s(packet: bytes) -> float:
    """Length of an AAC frame by its own header: the rate may change on the way (ISO 14496-3, 1.A.2)."""
    index = packet[2] >> 2 & 15 if len(packet) > 3 else 15
    return 1024 / _ADTS_RATES_HZ[index] if index < len(_ADTS_RATES_HZ) else 0.0


def _decodes(stream: Probed) -> bool:
    if stream.rate_hz < LEAST_RATE_HZ or not stream.channels or not stream.duration_s:
        return False
    return any(frame.samples for _, frame in islice(Frames(stream.file.path, stream.stream), TASTE))


def _shortfall(one: Fetched, stream: Probed) -> tuple[Loss, ...]:
    said_s = one.source.duration_s
    if said_s is None or said_s - stream.duration_s <= max(SLACK_S, SLACK_SHARE * said_s):
        return ()
    lost_s = round(said_s - stream.duration_s, 3)
    why = f"{one.source.path} ends after {stream.duration_s:.1f} s; its recorder counted {said_s:.1f} s"
    return (Loss(at_s=stream.start_offset_s + stream.duration_s, lost_s=lost_s, why=why),)
