"""One checker of the ten invariants of the design: `violations(evidence)` names every one that does not hold, and what shows it."""

import contextlib
import hashlib
import html
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from bench.trial.evidence import Ending, Evidence, Rows, ending_of, leftovers, rows_of
from bench.trial.reader import Violation
from feeds.catalogue import Episode, Show, episode_guid
from feeds.check import check
from feeds.findings import Finding, text_of
from feeds.from_store import from_store
from feeds.listing import OPEN, is_listed, is_open
from feeds.sidecars import span_of
from pipeline.stores import Store
from pipeline.text import clean_line
from workers.ledger import MAX_TRIES

ENDS = ("done", "failed", "cancelled", "held")
SLACK_S = 0.25
# Which invariant a finding about a feed speaks of; whatever is not named here is a document that is not as it should be.
_OF_RULE: Mapping[str, int] = {
    "well-formed": 2, "enclosure": 2, "range": 2, "guid": 3, "unique": 3, "complete": 3, "order": 3, "private": 6,
}  # fmt: skip
_SPOKEN = {".vtt": "text/vtt", ".srt": "application/x-subrip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What was left behind, and its rows."""

    evidence: Evidence
    rows: Rows

    @property
    def public(self) -> Store:
        return self.evidence.house.public

    @property
    def listed(self) -> list[tuple[Show, Episode]]:
        """Every episode that a public feed must hold, and its show."""
        found = [(self.rows.shows[episode.show_slug], episode) for episode in self.rows.episodes]
        return [(show, episode) for show, episode in found if is_open(show, episode) and is_listed(show, episode)]

    def feed_of(self, show: Show) -> bytes:
        return self.public.get(f"{show.slug}/feed.xml") or b""


def violations(evidence: Evidence) -> tuple[Violation, ...]:
    """Every invariant that does not hold, as far as what was left behind can tell; nothing: all of them do."""
    case = Case(evidence=evidence, rows=rows_of(evidence.house))
    found = [Violation(invariant=n, said=said) for n, look in LOOKS for said in look(case)]
    feeds = [violation for show in case.rows.shows.values() for violation in _feed(case, show)]
    seen = [violation for history in evidence.histories for violation in history.violations]
    return tuple(dict.fromkeys((*found, *feeds, *seen)))


# ---- 1: one recording, one run, one episode or one reason


def _one_of_each(case: Case) -> Iterator[str]:
    made = Counter(episode.recording_id for episode in case.rows.episodes)
    noted = {event.recording_id for event in case.rows.inbox}
    for run_id in case.evidence.acknowledged:
        run = case.rows.runs.get(run_id)
        if run is None or run_id not in noted:
            yield f"recording {run_id} was acknowledged and is not known"
        elif run.state not in ENDS:
            yield f"run {run_id} has not come to an end: {run.state}"
        elif run.state == "done" and made[run_id] != 1:
            yield f"run {run_id} is done and has {made[run_id]} episodes"
        elif run.state != "done" and not run.reason:
            yield f"run {run_id} is {run.state} and gives no reason"
        elif run.state not in ("held", "cancelled") and not run.jobs:
            yield f"run {run_id} has no job"


def _nothing_from_nowhere(case: Case) -> Iterator[str]:
    for event in case.rows.inbox:
        if event.recording_id not in case.rows.recordings:
            yield f"event {event.event_id} was noted and its recording {event.recording_id} is not there"
    for episode in case.rows.episodes:
        if episode.recording_id not in case.rows.recordings:
            yield f"episode {episode.slug} was made from nothing that was received"


def _done_is_heard(case: Case) -> Iterator[str]:
    """A run that is done has its episode, complete, with its files where they belong."""
    for episode in case.rows.episodes:
        run = case.rows.runs.get(episode.recording_id)
        if run and run.state == "done" and episode.state != "complete":
            yield f"run {run.id} is done and its episode is {episode.state}"
        if episode.state in ("audible", "complete") and not episode.renditions:
            yield f"episode {episode.slug} is {episode.state} and has no audio"
        if not is_open(case.rows.shows[episode.show_slug], episode):
            store = case.evidence.house.store_of(episode)
            yield from (f"{r.key} is not in its store" for r in episode.renditions if store.stat(r.key) is None)


# ---- 2 and 3: the feed


def _files_as_stated(case: Case) -> Iterator[str]:
    """Every audio file of a listed episode, also those that the feed names as alternatives."""
    for _, episode in case.listed:
        for rendition in episode.renditions:
            stat = case.public.stat(rendition.key)
            if stat is None:
                yield f"{rendition.key} is not in the store"
            elif (stat.size_bytes, stat.mime_type) != (rendition.size_bytes, rendition.mime_type):
                yield f"{rendition.key} is {stat.size_bytes} bytes of {stat.mime_type}, not {rendition.size_bytes}"


def _feed(case: Case, show: Show) -> Iterator[Violation]:
    """What the feed as it stands shows; a show without a listed episode needs none."""
    content = case.feed_of(show)
    if not content:
        if any(listed.slug == show.slug for listed, _ in case.listed):
            yield Violation(invariant=2, said=f"the feed of {show.slug} is not there")
        return
    if show.access not in OPEN:
        yield Violation(invariant=6, said=f"{show.slug} is {show.access} and has a public feed")
        return
    episodes = [episode for episode in case.rows.episodes if episode.show_slug == show.slug]
    for finding in check(content, show, episodes, from_store(case.public, case.evidence.house.site)):
        if not _told_by_rows(finding):
            yield Violation(invariant=_OF_RULE.get(finding.rule, 9), said=f"{finding.rule}: {finding.said}")


def _told_by_rows(finding: Finding) -> bool:
    """Settings of the show that its creator may not have made yet are no fault of the machine."""
    return finding.rule in ("category", "self", "required")


def _guids_for_ever(case: Case) -> Iterator[str]:
    for recording in case.rows.recordings.values():
        show = next((s for s in case.rows.shows.values() if s.id == recording.show_id), None)
        if show and recording.episode_guid:
            guid = episode_guid(show.guid, recording.engine, recording.session_id or recording.id)
            if recording.episode_guid != guid:
                yield f"recording {recording.id} has guid {recording.episode_guid}, its session's is {guid}"
    received = {recording.episode_guid for recording in case.rows.recordings.values()}
    yield from (f"episode {e.slug} has guid {e.guid}, of no session" for e in case.rows.episodes if e.guid not in received)
    known = {episode.guid for episode in case.rows.episodes}
    for history in case.evidence.histories:
        yield from (f"a reader saw guid {guid}, which nobody knows" for guid in history.seen.keys() - known)


# ---- 4, 5 and 6: what is not ours to change, and what is nobody's business


def _edits_kept(case: Case) -> Iterator[str]:
    for guid, written in case.evidence.written.items():
        kept = case.rows.edits.get(guid, {})
        yield from (f"{name} that was written for {guid} is gone" for name, value in written.items() if kept.get(name) != value)


def _sources_untouched(case: Case) -> Iterator[str]:
    for path, sha256 in case.evidence.sources.items():
        if not path.is_file():
            yield f"the source {path.name} is gone"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            yield f"the source {path.name} was changed"


def _nothing_private_in_public(case: Case) -> Iterator[str]:
    hidden = [word.encode() for word in case.evidence.hidden]
    shut = {e.prefix for e in case.rows.episodes if not is_open(case.rows.shows[e.show_slug], e) and not _on_its_way(e)}
    for key in case.public.keys(""):
        content = case.public.get(key) or b""
        yield from (f"{key} holds {word.decode()!r}" for word in hidden if word in content)
        if any(key.startswith(prefix) for prefix in shut):
            yield f"{key} belongs to an episode that is not public"
    for log in case.evidence.logs:
        yield from (f"the log {log.name} holds {word.decode()!r}" for word in hidden if word in log.read_bytes())


def _on_its_way(episode: Episode) -> bool:
    """Its files may lie in public already: it is for everybody, and was cancelled or failed before its rows said so."""
    return episode.access in OPEN and episode.published_at is None and episode.state in ("received", "working", "failed")


# ---- 7: the same end, and nothing left over


def _same_end(case: Case) -> Iterator[str]:
    if case.evidence.undisturbed is None:
        return
    was, now = case.evidence.undisturbed, ending_of(case.evidence.house)
    for part in Ending.__dataclass_fields__:
        before, after = getattr(was, part), getattr(now, part)
        if isinstance(before, Mapping):
            differing = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
            yield from (f"{part} differs from the undisturbed run at {key}" for key in differing)
        elif before != after:
            yield f"{part} differ from the undisturbed run: {_first_difference(before, after)}"


def _first_difference(was: Sequence[object], now: Sequence[object]) -> str:
    if len(was) != len(now):
        return f"{len(now)} instead of {len(was)}"
    return next(f"{b} instead of {a}" for a, b in zip(was, now, strict=True) if a != b)[:600]


def _stored_is_what_rows_say(case: Case) -> Iterator[str]:
    """The very bytes; a length that differs is another matter."""
    for episode in case.rows.episodes:
        store = case.evidence.house.store_of(episode)
        for rendition in episode.renditions:
            content = store.get(rendition.key)
            same_length = content is not None and len(content) == rendition.size_bytes
            if same_length and hashlib.sha256(content or b"").hexdigest() != rendition.sha256:
                yield f"{rendition.key} is not the file that its row speaks of"


def _fences_hold(case: Case) -> Iterator[str]:
    for job_id, attempts in case.rows.attempts.items():
        job = case.rows.jobs[job_id]
        name = f"{job.kind} of {job.subject}"
        if attempts[-1].fence > job.fence:
            yield f"{name} was tried under fence {attempts[-1].fence} and holds {job.fence}"
        yield from (f"{name} was tried under fence {a.fence}, and nobody knows how that ended" for a in attempts if not a.outcome)
        for older, newer in pairwise(attempts):
            ended_at = older.ended_at or 0.0
            if older.outcome == "done" and ended_at > newer.started_at and not case.evidence.clock_moved:
                yield f"{name} was committed under fence {older.fence} while {newer.fence} held it"


def _nothing_goes_on(case: Case) -> Iterator[str]:
    for job in case.rows.jobs.values():
        if job.tries > MAX_TRIES:
            yield f"{job.kind} of {job.subject} was tried {job.tries} times"
        if job.recording_id is None and job.state in ("ready", "running"):
            yield f"{job.kind} of {job.subject} is still {job.state}"
    for show in case.rows.shows.values():
        if show.feed_rev != show.published_rev:
            yield f"the feed of {show.slug} shows revision {show.published_rev} of {show.feed_rev}"


def _nothing_left_over(case: Case) -> Iterator[str]:
    house = case.evidence.house
    for scratch in case.evidence.scratches or (house.scratch,):
        yield from (f"scratch holds {path.name} still" for path in (scratch.iterdir() if scratch.is_dir() else ()))
    for name, store in (("public", house.public), ("private", house.private)):
        yield from (f"the {name} store holds an upload nobody completed: {left}" for left in leftovers(store))


# ---- 8: no silent loss


def _seconds_add_up(case: Case) -> Iterator[str]:
    for episode in case.rows.episodes:
        sound = episode.sound
        if sound is None:
            continue
        heard_s = sound.duration_s - sound.intro_s - sound.outro_s
        cut_s = sum(cut.end_s - cut.start_s for cut in sound.cuts)
        lost_s = sum(loss.lost_s for loss in sound.losses)
        if abs(sound.source_s - heard_s - cut_s) > SLACK_S:
            yield f"{episode.slug}: {sound.source_s:.2f} s in, {heard_s:.2f} s out and {cut_s:.2f} s cut"
        in_s = case.evidence.seconds_in.get(episode.recording_id, 0.0)
        if in_s - heard_s - cut_s - lost_s > SLACK_S:
            yield f"{episode.slug}: {in_s:.2f} s were recorded, {heard_s + cut_s + lost_s:.2f} s are accounted for"
        for rendition in episode.renditions:
            if abs(rendition.duration_s - sound.duration_s) > SLACK_S:
                yield f"{rendition.key} plays {rendition.duration_s:.2f} s of {sound.duration_s:.2f} s"


# ---- 9: text is data


def _documents_parse(case: Case) -> Iterator[str]:
    for key in case.public.keys(""):
        suffix = Path(key).suffix
        if suffix in _READERS:
            try:
                _READERS[suffix](case.public.get(key) or b"")
            except (ValueError, ElementTree.ParseError, AssertionError) as error:
                # a feed that cannot be read is another matter
                if not key.endswith("feed.xml"):
                    yield f"{key} cannot be read: {error}"


_READERS: Mapping[str, Callable[[bytes], object]] = {
    ".json": json.loads,
    ".xml": ElementTree.fromstring,
    ".txt": lambda content: content.decode(),
    ".html": lambda content: content.decode().index("</html>"),
    **{suffix: lambda content, kind=kind: span_of(content, kind) for suffix, kind in _SPOKEN.items()},  # type: ignore[misc]
}


def _titles_come_through(case: Case) -> Iterator[str]:
    shown = {guid: title for show in case.rows.shows.values() for guid, title in _titles_in(case.feed_of(show))}
    for _, episode in case.listed:
        title = clean_line(case.evidence.titles.get(episode.recording_id, ""))
        if not title or case.rows.edits.get(episode.guid):
            continue
        if shown.get(episode.guid, title) != title:
            yield f"the feed says {shown[episode.guid]!r} where the room was called {title!r}"
        page = case.public.get(f"{episode.prefix}index.html") or b""
        if title not in html.unescape(page.decode(errors="replace")):
            yield f"the page of {episode.slug} does not show {title!r}"


def _titles_in(feed: bytes) -> Iterator[tuple[str, str]]:
    """Guid and title of every item; nothing of a feed that cannot be read."""
    with contextlib.suppress(ElementTree.ParseError):
        for item in ElementTree.fromstring(feed).iter("item"):
            yield text_of(item, "guid"), text_of(item, "title")


# ---- 10: one bad room stops nobody


def _good_rooms_go_on(case: Case) -> Iterator[str]:
    expected = set(case.evidence.acknowledged) - set(case.evidence.bad) - set(case.evidence.ended)
    for run_id in sorted(expected):
        run = case.rows.runs.get(run_id)
        if run and run.state == "failed":
            yield f"run {run_id} has failed, and nothing is wrong with its room: {run.reason}"


LOOKS: Sequence[tuple[int, Callable[[Case], Iterator[str]]]] = (
    (1, _one_of_each), (1, _nothing_from_nowhere), (1, _done_is_heard),
    (2, _files_as_stated),
    (3, _guids_for_ever),
    (4, _edits_kept),
    (5, _sources_untouched),
    (6, _nothing_private_in_public),
    (7, _same_end), (7, _stored_is_what_rows_say), (7, _fences_hold), (7, _nothing_goes_on), (7, _nothing_left_over),
    (8, _seconds_add_up),
    (9, _documents_parse), (9, _titles_come_through),
    (10, _good_rooms_go_on),
)  # fmt: skip
