"""Runs in words: a row of the table for each, and the whole story of one."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from feeds.catalogue import Episode
from feeds.web.work import RunState
from workers.house import House
from workers.ledger import Attempt, JobLook, Run
from workers.ledger.reasons import Standing
from workers.owner import host_and_pid

COLUMNS = ("run", "show", "state", "job", "tries", "time", "left", "name", "why")
# Causes that are nothing to worry about.
QUIET = ("waiting", "working")


def row(run: Run, told: RunState | None, why: Standing | None, now: datetime) -> list[str]:
    """A run on one line: what it does, since when, how long yet, and what is in its way."""
    at = current(run)
    reason = why.said if why and why.cause not in QUIET else "" if why else run.reason
    return [
        run.id, run.show_slug, run.state, doing(at) if at else "", str(at.tries) if at else "", spent(run, at, now),
        left(told), run.name, reason,
    ]  # fmt: skip


def current(run: Run) -> JobLook | None:
    """The job that people ask about: the one at work, else the first that is not done."""
    open_jobs = [job for job in run.jobs if job.state != "done"]
    return next((job for job in open_jobs if job.state == "running"), open_jobs[0] if open_jobs else None)


def doing(job: JobLook) -> str:
    """`audio encode 40%`."""
    at_work = job.state == "running" and job.progress.stage
    return f"{job.kind} {job.progress.stage} {job.progress.share:.0%}" if at_work else job.kind


def spent(run: Run, job: JobLook | None, now: datetime) -> str:
    """How long its work took, has taken so far, or is waited for."""
    if job is None:
        return f"took {short(sum(run.timings_s.values()))}" if run.timings_s else ""
    if job.state == "running" and job.started_at:
        return short((now - job.started_at).total_seconds())
    return f"waits {short((now - run.received_at).total_seconds())}" if job.state == "ready" else ""


def left(told: RunState | None) -> str:
    """`1 to 2 min`, as far as anybody can tell."""
    if told is None or told.eta_s is None:
        return ""
    low, high = (short(seconds) for seconds in told.eta_s)
    return low if low == high else f"{low} to {high}"


def short(seconds: float) -> str:
    """`42 s`, `3 min`, `2 h 5 min`, `3 d`."""
    minutes = int(max(seconds, 0) // 60)
    if minutes >= 2 * 24 * 60:
        return f"{minutes // (24 * 60)} d"
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes >= 2 else f"{max(seconds, 0):.0f} s"


# ---- the story of one


def story(run: Run, attempts: Mapping[int, Sequence[Attempt]], why: Standing | None, places: Mapping[str, str]) -> Iterator[str]:
    """What became of a run, line by line: every try of every job, what it waits for, where its episode is."""
    yield f"{run.id}  {run.state}  {run.show_slug or 'no show'}  {run.name}"
    yield f"  received  {run.received_at:%Y-%m-%d %H:%M:%S} UTC from {run.engine}"
    for job in run.jobs:
        yield f"  {job.kind:<9} {job.state}, {job.tries} {'try' if job.tries == 1 else 'tries'} counted"
        for attempt in attempts.get(job.id, ()):
            yield f"    {_tried(attempt)}"
    if why:
        yield f"  now       {why.said}"
        yield f"  next      {why.next}"
    elif run.reason:
        yield f"  reason    {run.reason}"
    for name, address in places.items():
        yield f"  {name:<9} {address}"


def _tried(attempt: Attempt) -> str:
    host, pid = host_and_pid(attempt.owner)
    took_s = ((attempt.ended_at or datetime.now(UTC)) - attempt.started_at).total_seconds()
    outcome = (attempt.outcome or "at work").replace("_", " ")
    said = f"{attempt.error_code}: {attempt.error}" if attempt.error_code else attempt.error
    return f"{attempt.started_at:%m-%d %H:%M:%S}  {outcome:<10} {took_s:8.1f} s  {host} {pid}  {said or _stages(attempt)}".rstrip()


def _stages(attempt: Attempt) -> str:
    return ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in attempt.timings_s.items())


def places_of(house: House, episode: Episode | None) -> dict[str, str]:
    """Where the episode can be reached: for listeners once it is out, in the studio always."""
    if episode is None:
        return {}
    studio = {"studio": f"{house.site.public_url.rstrip('/')}/studio/episodes/{episode.slug}"}
    if episode.published_at is None:
        return studio
    files = {stored.format: house.address(stored.key) for stored in episode.renditions}
    return {
        "page": house.address(f"{episode.prefix}index.html"), "feed": house.address(f"{episode.show_slug}/feed.xml"), **files,
        **studio,
    }  # fmt: skip


# ---- as JSON


def told(run: Run) -> dict[str, Any]:
    """A run as one JSON object."""
    from pydantic import TypeAdapter

    return {**TypeAdapter(type(run)).dump_python(run, mode="json"), "timings_s": run.timings_s}


def told_whole(
    run: Run, attempts: Mapping[int, Sequence[Attempt]], why: Standing | None, places: Mapping[str, str]
) -> dict[str, Any]:
    """The same with every try of every job, what it waits for, and where its episode is."""
    whole = told(run)
    for job in whole["jobs"]:
        job["attempts"] = [_told_attempt(attempt) for attempt in attempts.get(job["id"], ())]
    return {**whole, "standing": told_standing(why), "addresses": dict(places)}


def told_standing(why: Standing | None) -> dict[str, str] | None:
    """Why it is not further, or None."""
    return {"cause": why.cause, "said": why.said, "next": why.next} if why else None


def _told_attempt(attempt: Attempt) -> dict[str, Any]:
    from pydantic import TypeAdapter

    host, pid = host_and_pid(attempt.owner)
    return {**TypeAdapter(Attempt).dump_python(attempt, mode="json"), "host": host, "pid": pid}
