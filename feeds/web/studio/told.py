"""What an episode's state is called and what its creator is told (facts: states and words). Pure; the time is an argument."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from feeds.catalogue import Episode
from feeds.pages.wording import capital
from feeds.web.work import Failure, RunState
from pipeline.clock import spoken

Tone = Literal["running", "good", "warn", "bad", "ink", "outline", "quiet"]

# longer than usual: beyond so much of the longest usual time
SLOW_AT = 1.5

STAGE_WORDS = {
    "fetch": "Fetching the recording",
    "probe": "Checking the files",
    "arrange": "Lining up the voices",
    "listen": "Listening to every voice",
    "clean": "Listening to every voice",
    "compose": "Levelling the voices",
    "apart": "Writing each voice alone",
    "level": "Levelling the voices",
    "encode": "Encoding",
    "verify": "Measuring it again",
    "stamp": "Writing title and chapters",
    "upload": "Storing",
    "publish": "Putting it in the feed",
    "feed": "Putting it in the feed",
    "transcribe": "Writing the words",
    "chapter": "Finding the chapters",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A state as it is told: on a chip, in a headline, in a sentence or two."""

    chip: str
    tone: Tone
    headline: str
    said: str
    # the moment that the chip's words lead up to, shown in the reader's own time
    since: datetime | None = None
    failure: Failure | None = None
    # somebody is at work, or will be in a moment
    is_live: bool = False


def told(episode: Episode, run: RunState | None, now: datetime) -> Told:
    """What to say about the episode at this moment."""
    if episode.state == "withdrawn":
        return _WITHDRAWN
    phase = run.phase if run else {"failed": "failed", "received": "waiting", "working": "waiting"}.get(episode.state, "done")
    if phase == "failed":
        return _failed(episode, run)
    if phase == "cancelled":
        return _stopped(episode)
    if run is not None and phase == "running":
        return _working(episode, run, now)
    return _waiting(episode) if phase == "waiting" else _ready(episode)


_WITHDRAWN = Told(
    chip="Unpublished", tone="quiet", headline="Unpublished",
    said="Off the page and the feed. Apps may keep copies they already have.",
)  # fmt: skip


def _failed(episode: Episode, run: RunState | None) -> Told:
    failure = run.failure if run else None
    if failure is None:
        failure = Failure(
            happened=episode.reason or "Something broke on our side.", safe="The recording is kept exactly as it came.",
            next="Try again. If it fails once more, give the reference to whoever runs this machine.", ref=episode.slug,
        )  # fmt: skip
    listen = "You can listen to what is there." if episode.renditions else ""
    return Told(chip="Could not finish", tone="bad", headline="Could not finish", said=listen, failure=failure)


def _stopped(episode: Episode) -> Told:
    listen = " You can listen to what is there." if episode.renditions else ""
    return Told(chip="Stopped", tone="quiet", headline="Stopped", said=f"Somebody stopped it. The recording is kept.{listen}")


def _waiting(episode: Episode) -> Told:
    if episode.renditions:
        said = "You can listen now. The words are next in line."
        return Told(chip="Words in line", tone="running", headline="You can listen now", said=said, is_live=True)
    said = "The recording is here. Work on it starts in a moment."
    return Told(chip="Received", tone="running", headline="Received", said=said, is_live=True)


def _working(episode: Episode, run: RunState, now: datetime) -> Told:
    listen = ["You can listen now."] if episode.renditions else []
    spent_s = (now - run.since).total_seconds()
    if run.usual_s is not None and spent_s > SLOW_AT * run.usual_s[1]:
        said = [*listen, f"{capital(about(spent_s))} so far, usually {span(run.usual_s)}. Nothing is lost."]
        return Told(chip="Taking longer", tone="running", headline="Taking longer than usual", said=" ".join(said), is_live=True)
    at_work = STAGE_WORDS.get(run.stage, "Working")
    headline = f"Ready in {about_span(run.eta_s)}" if run.eta_s else at_work
    said = [*listen, *_how_far(run), *_how_long(run)]
    return Told(
        chip=at_work, tone="running", headline=headline, said=" ".join(said) or "There is nothing for you to do.", is_live=True
    )


def _how_far(run: RunState) -> list[str]:
    if run.stage != "transcribe" or not run.audio_s or not run.share_done:
        return []
    return [f"The words are {about(run.share_done * run.audio_s)} in."]


def _how_long(run: RunState) -> list[str]:
    return [f"Rooms this long have taken {span(run.usual_s)} on this machine."] if run.usual_s else []


def _ready(episode: Episode) -> Told:
    if episode.published_at is None:
        return _held(episode)
    if episode.access == "public":
        said = "Everyone can hear it, in podcast apps and on its page."
        return Told(chip="Public since", tone="good", headline="In the feed", said=said, since=episode.published_at)
    if episode.access == "unlisted":
        return Told(chip="With link", tone="outline", headline="With link", said="Only people with the link can hear it.")
    return Told(chip="Members", tone="outline", headline="Members", said="Only in the private feeds of those you gave one.")


def _held(episode: Episode) -> Told:
    if episode.reason:
        return Told(chip="Something to check", tone="warn", headline="Before it goes out", said=episode.reason)
    if episode.access == "private":
        return Told(chip="Private", tone="outline", headline="Private", said="Only you can hear it, here.")
    return Told(chip="Held", tone="ink", headline="Held", said="Ready, and waiting for your word before it goes out.")


# ---- lengths in words


def about(seconds: float) -> str:
    """`less than a minute`, `37 minutes`, `1 hour 2 minutes`."""
    return "less than a minute" if seconds < 45 else spoken(max(seconds, 60))


def span(range_s: tuple[float, float]) -> str:
    """`3 to 4 minutes`, or one length where both are alike."""
    low, high = about(range_s[0]), about(range_s[1])
    if low == high:
        return high
    both_minutes = low.endswith(("minute", "minutes")) and high.endswith("minutes") and "hour" not in low + high
    return f"{low.split()[0]} to {high}" if both_minutes and low[0].isdigit() else f"{low} to {high}"


def about_span(range_s: tuple[float, float]) -> str:
    """The same with `about` before a single length."""
    words = span(range_s)
    return words if " to " in words or words.startswith("less") else f"about {words}"
