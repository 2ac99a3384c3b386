"""`aircheck produce`: one recording to an episode in the foreground, by the same ledger and the same jobs as everywhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from feeds.catalogue import add_show, find_show
from pipeline.errors import Broken, Refused
from pipeline.models import Recording
from workers import ledger
from workers.house import House
from workers.intake import IntakeRules, accept
from workers.job import clear_abandoned
from workers.jobs import bodies
from workers.ledger import Claim, Progress, Run
from workers.report import report
from workers.rooms import gather
from workers.settings import load, under
from workers.wiring import open_house
from workers.work_loop import drain

DEFAULT_SHOW = "episodes"

Follow = Callable[[str, float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """The report of `workers.report`, and whether everything had been there already."""

    report: dict[str, Any]
    was_there: bool


def produce(paths: Sequence[Path], *, show: str, title: str, out: Path, follow: Follow) -> Produced:
    """The episode of the recording in these paths, its files under `out`. Errors: `Refused`, `Broken`; nothing half-published."""
    gathered = gather(paths)
    wanted = show or gathered.recording.show or DEFAULT_SHOW
    recording = replace(gathered.recording, show=wanted, title=title or gathered.recording.title)
    with open_house(under(out, load())) as house:
        was_there = _accept(house, recording, gathered.root)
        run = work_off(house, recording.recording_id, follow)
        return Produced(report=report(house, run), was_there=was_there)


def work_off(house: House, run_id: str, follow: Follow) -> Run:
    """Do what is left of a run, here and now. Errors: `Refused`, `Broken` where a job of it fails."""
    run = drain(house.database, bodies(house), run_id, watch=_watch(follow), retries=False)
    clear_abandoned(house)
    _must_be_done(run)
    return run


def _accept(house: House, recording: Recording, root: str) -> bool:
    """Take the recording in, its show made where it is missing; whether its run was done already."""
    rules = IntakeRules(default_show=recording.show, unknown_show="refuse", public_url=house.site.public_url)
    with house.database.begin() as session:
        if find_show(session, recording.show) is None:
            add_show(session, recording.show, house.site.public_url, drafts=house.settings.speech.drafts)
        accept(session, recording, root, provider="produce", event_id=recording.recording_id, defaults=rules)
        run = ledger.run(session, recording.recording_id)
        if run and run.state in ("failed", "cancelled"):
            ledger.retry(session, run.id)
    return run is not None and run.state == "done"


def _watch(follow: Follow) -> Callable[[Claim, Progress], None]:
    return lambda claim, now: follow(now.stage or claim.kind, now.share, now.note)


def _must_be_done(run: Run) -> None:
    if run.state == "held":
        raise Refused(run.reason, code="held")
    for job in run.jobs:
        if job.state == "failed":
            raise Refused(job.error, code=job.error_code)
        if job.state != "done":
            raise Broken(f"{job.error}; what is done is kept, run the same command again", code=job.error_code or "broken")
