"""One job's hands: what the bodies in `jobs.py` fetch, stamp, send and keep for the recording they were given."""

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.orm import Session

from feeds.catalogue import (
    Episode,
    EpisodeRow,
    KeptFile,
    RenditionRow,
    Show,
    ShowAudio,
    StoredRendition,
    WordsInfo,
    find_episode,
    show_by_id,
)
from feeds.pages import show_cover
from feeds.publish import read_words
from pipeline.child import Children
from pipeline.edits import Edits
from pipeline.errors import Broken, Stopped
from pipeline.journal import write_whole
from pipeline.models import Fetched, MadeFile, Recording, Rendition, Transcript
from pipeline.naming import file_name
from pipeline.plan import CleanPlan, FilterPlan, LevelPlan, Plan, as_its_mode_says
from pipeline.stamp import stamp
from pipeline.stores import Store
from pipeline.upload import Sending, upload
from pipeline.workshop import Workshop
from workers import masters, scratch
from workers.database import AWAY
from workers.fetch import fetch
from workers.heard_before import HeardBefore, Remembering
from workers.heart import Heart
from workers.hindrance import hindrance
from workers.house import House
from workers.labels import labels
from workers.ledger import Claim, received, unfinished
from workers.ledger.values import JobState
from workers.pictures import pictures_here
from workers.repair import stands
from workers.show_music import brought
from workers.work_loop import Outcome, Perform

# A corrected file replaces the bytes behind the same address, so nobody keeps them for long.
MEDIA_CACHE = "public, max-age=300, stale-while-revalidate=86400"
PRIVATE_CACHE = "private, no-store"
_TRANSCRIPT = TypeAdapter(Transcript)
OnePlan = TypeVar("OnePlan", LevelPlan, FilterPlan, CleanPlan)


@dataclass(frozen=True, kw_only=True)
class Slices:
    """Finished slices of a transcription, in the private store, so that another host goes on where one died."""

    store: Store
    prefix: str

    def get(self, key: str) -> bytes | None:
        return self.store.get(f"{self.prefix}{key}.json")

    def put(self, key: str, content: bytes) -> None:
        self.store.put(f"{self.prefix}{key}.json", content, mime_type="application/json", cache_control=PRIVATE_CACHE)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A claimed job with the recording it is about and all that it needs."""

    house: House
    recording: Recording
    root: str
    show: Show
    episode: Episode
    plan: Plan
    shop: Workshop
    heart: Heart
    # of what was sent
    hashes: dict[Path, str] = field(default_factory=dict)

    @property
    def guid(self) -> str:
        return self.episode.guid

    @property
    def is_published(self) -> bool:
        """Whether the episode goes out by itself: nobody said no, and it is for everybody."""
        return self.recording.distribution == "auto" and self.episode.access in ("public", "unlisted")

    @property
    def store(self) -> Store:
        return self.house.public if self.is_published else self.house.private

    @property
    def keeps_master(self) -> bool:
        """Whether a lossless master is kept of this show's episodes."""
        said = self.show.audio.keep_master
        return self.house.settings.audio.keep_master if said is None else said

    @property
    def keeps_voices(self) -> bool:
        """Whether each voice of this show's episodes is kept as a file of its own as well."""
        said = self.show.audio.voices
        return self.house.settings.audio.voices if said is None else said

    @property
    def sound_plan(self) -> Plan:
        """The plan with all that is made of the sound: what listeners get, and the master where one is kept."""
        encode, master = self.plan.encode, (masters.FORMAT,) if self.keeps_master else ()
        return replace(self.plan, encode=replace(encode, formats=tuple(dict.fromkeys((*encode.formats, *master)))))

    def publishes_at(self, now: ColumnElement[float]) -> ColumnElement[float] | float | None:
        """When it enters the feed: now, or not by itself; a run done again does not move it."""
        if self.episode.published_at is not None:
            return self.episode.published_at.timestamp()
        return now if self.is_published else None

    def fetched(self) -> tuple[Fetched, ...]:
        """The recording's files on this machine: as they were kept, or from where they were left."""
        with self.shop.stage("fetch") as report:
            if (kept := self._kept_original()) is not None:
                return kept
            return fetch(self.recording, self.root, scratch=self.shop.scratch, settings=self.house.settings, report=report)

    def _kept_original(self) -> tuple[Fetched, ...] | None:
        """The files as they were received, where all of them are kept; None where they must be fetched."""
        original, folder = self.episode.original, self.shop.scratch / "source"
        if original is None or original.gone_at is not None:
            return None
        if not all(self.house.private.stat(file.key) for file in original.files):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        made = [self._brought_back(file, folder / f"{n:03}") for n, file in enumerate(original.files)]
        return tuple(Fetched(source=source, file=file) for source, file in zip(self.recording.files, made, strict=True))

    def _brought_back(self, kept: KeptFile, to: Path) -> MadeFile:
        """The kept file, which is the very one that was received."""
        if not to.exists() or to.stat().st_size != kept.size_bytes:
            self.house.private.download(kept.key, to)
        made = MadeFile.of(to)
        if made.sha256 != kept.sha256:
            to.unlink()
            raise Broken(f"{kept.path} as it was kept is damaged: sha256 {made.sha256[:12]}… where it was {kept.sha256[:12]}…")
        return made

    def scored(self) -> Plan:
        """The plan with the show's own music, which is on this machine now."""
        return replace(self.plan, music=brought(self.house.private, self.show.audio, self.shop.scratch / "music"))

    def stamped(
        self, renditions: tuple[Rendition, ...], episode: Episode, transcript: Transcript | None = None
    ) -> tuple[Rendition, ...]:
        """Copies of the files with what is known of the episode in them: title, people, covers, chapters and words."""
        cover = self.shop.scratch / "cover.jpg"
        write_whole(cover, show_cover(self.show))
        pictures = pictures_here(self.house.private, episode, self.shop.scratch / "stamped-pictures")
        tags = labels(self.show, episode, MadeFile.of(cover), transcript)
        return self.shop.once(stamp, renditions, replace(tags, pictures=pictures))

    def send(self, renditions: tuple[Rendition, ...]) -> tuple[Rendition, ...]:
        """Put the renditions into the store under their fixed addresses, each only while the job is surely ours."""
        with self.shop.stage("upload") as report:

            def go_on(share: float) -> None:
                report(share)
                self.heart.must_hold()

            self.heart.must_hold()
            try:
                upload(self.store, [self._sending(r) for r in renditions], go_on)
            except Stopped:
                self.doubt()
                raise
        self.hashes.update({r.file.path: _sha384(r.file.path) for r in renditions})  # not while the database waits for us
        return renditions

    def doubt(self) -> None:
        """We may have put something old over something newer: the episode's files are looked at as soon as nobody is at them."""
        self.house.database.patiently(lambda session: self.keep(session, looked_at=0.0))

    def _sending(self, rendition: Rendition) -> Sending:
        name = file_name(f"{self.show.title} - {self.episode.title}", rendition.file.path.suffix)
        return Sending(
            made=rendition.file, key=self.key_of(rendition), mime_type=rendition.mime_type, cache_control=MEDIA_CACHE, filename=name
        )

    def key_of(self, rendition: Rendition) -> str:
        return f"{self.episode.prefix}episode{rendition.file.path.suffix}"

    def stored_renditions(self) -> tuple[Rendition, ...]:
        """The renditions as they lie in the store, on this machine again."""
        folder = self.shop.scratch / "stored"
        folder.mkdir(exist_ok=True)
        return tuple(self._brought(folder, stored) for stored in self.episode.renditions)

    def _brought(self, folder: Path, stored: StoredRendition) -> Rendition:
        path = folder / stored.key.rpartition("/")[2]
        self.store.download(stored.key, path)
        return Rendition(
            format=stored.format, file=MadeFile.of(path), mime_type=stored.mime_type, duration_s=stored.duration_s,
            channels=stored.channels, bitrate_kbps=stored.bitrate_kbps, integrated_lufs=stored.integrated_lufs,
            true_peak_dbtp=stored.true_peak_dbtp,
        )  # fmt: skip

    def standing(self) -> tuple[Rendition, ...]:
        """The renditions where they lie in the store as they were made, and sound as they shall; none where they must be made."""
        if self.episode.edits != self.episode.edits_heard:
            return ()
        here = all(stands(self.store.stat(stored.key), stored) for stored in self.episode.renditions)
        return self.stored_renditions() if here else ()

    def words(self) -> Transcript | None:
        """The machine's words as they were kept, None where there are none."""
        return read_words(self.house.private, self.episode) if self.episode.words_key else None

    def keep_words(self, transcript: Transcript) -> str:
        """Where the machine's words now lie in the private store; empty when there are none."""
        if transcript.quality == "none":
            return ""
        key = f"{self.episode.prefix}words.json"
        content = _TRANSCRIPT.dump_json(transcript)
        self.house.private.put(key, content, mime_type="application/json", cache_control=PRIVATE_CACHE)
        return key

    def keep_renditions(self, session: Session, renditions: Sequence[Rendition]) -> None:
        """Write what lies in the store into the catalogue, in the finishing transaction."""
        session.execute(delete(RenditionRow).where(RenditionRow.episode_guid == self.guid))
        session.add_all(self._row(n, r) for n, r in enumerate(renditions))

    def clear(self) -> None:
        """Give back the scratch that the run no longer needs."""
        scratch.remove(self.shop.scratch)

    def keep(self, session: Session, **found: Any) -> None:
        """Write what the machine found into the episode's row."""
        session.execute(update(EpisodeRow).where(EpisodeRow.guid == self.guid).values(**found))

    def _row(self, position: int, rendition: Rendition) -> RenditionRow:
        made = rendition.file
        return RenditionRow(
            episode_guid=self.guid, format=rendition.format, position=position, key=self.key_of(rendition),
            mime_type=rendition.mime_type, size_bytes=made.size_bytes, sha256=made.sha256, sha384=self.hashes[made.path],
            duration_s=rendition.duration_s, channels=rendition.channels, bitrate_kbps=rendition.bitrate_kbps,
            integrated_lufs=rendition.integrated_lufs, true_peak_dbtp=rendition.true_peak_dbtp,
        )  # fmt: skip


def open_job(house: House, claim: Claim, heart: Heart) -> Job:
    """What the claimed job works with, its scratch folder ready."""
    run_id = claim.recording_id or claim.subject
    with house.database.read() as session:
        got = received(session, run_id)
        show, episode = show_by_id(session, got.show_id), find_episode(session, got.episode_guid)
    assert show
    assert episode
    children = Children(limits=house.limits(claim.kind), stop=heart.stop)
    slices = Slices(store=house.private, prefix=f"{episode.prefix}slices/")
    before = HeardBefore(store=house.private, prefix=f"{episode.prefix}heard/")
    makes_sound = claim.kind == "audio"
    workshop: Callable[..., Workshop] = partial(Remembering, before=before) if makes_sound else Workshop
    shop = workshop(scratch=scratch_of(house, run_id), children=children, slices=slices, follow=heart.progress)
    plan = plan_for(house.plan, got.recording, show.audio, episode.edits if makes_sound else episode.edits_heard)
    return Job(
        house=house, recording=got.recording, root=got.root, show=show, episode=episode, plan=plan, shop=shop, heart=heart
    )  # fmt: skip


def plan_for(plan: Plan, recording: Recording, audio: ShowAudio, edits: Edits) -> Plan:
    """The installation's plan with what the room says, as intake filled it in from its show (consent, language, words to expect),
    how the show sounds, and what its creator has edited."""
    language = recording.language or plan.speech.language
    asked = replace(
        plan,
        consent="required" if recording.consent_policy == "speakers" else "notice",
        speech=replace(plan.speech, language=language, hotwords=(*plan.speech.hotwords, recording.title)),
        level=_with(plan.level, mode=audio.level, target_lufs=audio.target_lufs),
        filters=_with(plan.filters, denoise=audio.denoise),
        clean=_with(plan.clean, trim=audio.trim, shorten_pauses=audio.shorten_pauses),
        edits=edits,
    )
    return as_its_mode_says(asked)


def _with(plan: OnePlan, **said: object) -> OnePlan:
    """The plan with what is said; None says nothing."""
    told: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    return replace(plan, **told)


def scratch_of(house: House, run_id: str) -> Path:
    """The run's own folder in scratch, named by the run so that the next try finds what the last one made."""
    return house.scratch / hashlib.sha256(run_id.encode()).hexdigest()[:16]


def in_scratch(house: House, body: Callable[[Job], Outcome]) -> Perform:
    """The body of a job that works in its run's scratch: it begins only where there is room, and leaves none full."""

    def perform(claim: Claim, heart: Heart) -> Outcome:
        folder = scratch_of(house, claim.recording_id or claim.subject)
        try:
            with scratch.held(folder):
                scratch.must_have_room(folder, house.settings.limits.free_bytes)
                return body(open_job(house, claim, heart))
        except Exception as error:
            in_the_way = hindrance(error)
            if in_the_way and in_the_way.code == "disk_full":
                with contextlib.suppress(*AWAY):
                    give_way(house, folder)
            raise

    return perform


def give_way(house: House, folder: Path) -> None:
    """The disk is full: what we had made there goes, and what lies there of runs that wait. It is made again, so that nobody waits
    for room that others take while they wait for room as well."""
    scratch.remove(folder)
    _clear_but(house, "running")


def clear_abandoned(house: House) -> None:
    """Give back the scratch of every run that nobody works on any more, such as one whose worker died after its last commit."""
    _clear_but(house, "ready", "running")


def _clear_but(house: House, *states: JobState) -> None:
    found = scratch.folders(house.scratch)  # looked for first: whose run comes in now is not among them
    with house.database.read() as session:
        needed = {scratch_of(house, run_id) for run_id in unfinished(session, *states)}
    for folder in found:
        if folder not in needed:
            scratch.remove(folder)


def words_info(transcript: Transcript) -> WordsInfo:
    """What the catalogue keeps of the words."""
    count = sum(len(segment.words) or len(segment.text.split()) for segment in transcript.segments)
    return WordsInfo(
        engine=transcript.engine, model=transcript.model, quality=transcript.quality, language=transcript.language,
        why=transcript.why, count=count,
    )  # fmt: skip


def _sha384(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha384").hexdigest()
