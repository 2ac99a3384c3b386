"""A room is accepted whole, and once, on both databases."""

import random
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes_rooms import STARTED_AT, a_room
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from feeds.catalogue import EpisodeRow, Show, ShowRow, add_show, episode_guid, find_episode, find_show
from pipeline.errors import Refused
from pipeline.models import Participant
from workers import ledger
from workers.database import Database, open_database
from workers.intake import Accepted, Arrival, IntakeRules, accept, accept_all, admit_held, people_of, title_of
from workers.ledger import InboxRow, JobRow, RecordingRow

Send = Callable[..., Accepted]


def count(database: Database, table: type) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def sent(database: Database, rules: IntakeRules, **changed: object) -> Accepted:
    with database.durable() as session:
        return accept(session, a_room(**changed), "/recordings", provider="hook", event_id="EV_1", defaults=rules)


def test_a_room_becomes_a_recording_an_episode_and_a_job(database: Database, send: Send, show: Show) -> None:
    accepted = send("EG_1", title="Why record?", description="One.\n\nTwo.", language="de")
    guid = episode_guid(show.guid, "livekit", "RM_EG_1")
    assert accepted == Accepted(run="EG_1", episode_guid=guid, show_slug="tuesday", known=False)
    with database.read() as session:
        episode = find_episode(session, guid)
        run = ledger.run(session, "EG_1")
    assert episode and run
    assert (episode.state, episode.title, episode.description) == ("received", "Why record?", "One.\n\nTwo.")
    assert (episode.language, episode.access, episode.started_at) == ("de", "public", STARTED_AT)
    assert (run.state, [job.kind for job in run.jobs]) == ("waiting", ["audio"])


def test_the_show_fills_in_what_the_room_leaves_unsaid(database: Database, send: Send) -> None:
    with database.begin() as session:
        add_show(session, "club", "https://pods.example", access="members", distribution="review", consent="required")
    send("EG_1", show="club")
    send("EG_2", show="club", access="private", distribution="none", consent_policy="notice")
    with database.read() as session:
        filled = ledger.received(session, "EG_1").recording
        said = ledger.received(session, "EG_2").recording
    assert (filled.access, filled.distribution, filled.consent_policy) == ("members", "review", "speakers")
    assert (said.access, said.distribution, said.consent_policy) == ("private", "none", "notice")


def test_the_job_gets_back_the_very_recording_that_was_sent(database: Database, send: Send, show: Show) -> None:
    send("EG_1")
    with database.read() as session:
        received = ledger.received(session, "EG_1")
    assert received.recording == a_room("EG_1", access="public", distribution="auto", consent_policy="notice")
    assert (received.root, received.show_id) == ("/recordings", show.id)


@pytest.mark.parametrize("again", [{"event_id": "EV_1"}, {"event_id": "EV_other"}])
def test_the_same_event_or_recording_again_changes_nothing(database: Database, send: Send, again: dict[str, str]) -> None:
    first = send("EG_1", event_id="EV_1")
    second = send("EG_1", title="Changed", **again)
    assert second == replace(first, known=True)
    assert (count(database, RecordingRow), count(database, EpisodeRow), count(database, JobRow)) == (1, 1, 1)


def test_an_event_is_known_by_its_id_whatever_it_says(database: Database, send: Send) -> None:
    first = send("EG_1", event_id="EV_1")
    assert send("EG_2", event_id="EV_1") == replace(first, known=True)
    assert count(database, RecordingRow) == 1


def test_events_repeated_and_shuffled_leave_one_recording_each(database: Database, send: Send) -> None:
    events = [(f"EG_{n}", f"EV_{n}_{copy}") for n in range(8) for copy in range(3)] * 2
    random.shuffle(events)
    accepted = [send(*event) for event in events]
    assert sum(not a.known for a in accepted) == 8
    assert (count(database, RecordingRow), count(database, EpisodeRow), count(database, JobRow)) == (8, 8, 8)
    assert count(database, InboxRow) == 24


def test_two_doors_that_get_the_same_room_at_once_agree(database: Database, send: Send) -> None:
    start, accepted = threading.Barrier(6), list[Accepted]()

    def knock(n: int) -> None:
        start.wait()
        accepted.append(send("EG_1", event_id=f"EV_{n % 3}"))

    threads = [threading.Thread(target=knock, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(a.known for a in accepted) == [False, True, True, True, True, True]
    assert count(database, JobRow) == 1


def test_a_further_recording_of_a_session_waits_for_a_person(database: Database, send: Send) -> None:
    first = send("EG_1", session_id="RM_x")
    second = send("EG_2", session_id="RM_x")
    assert second.held == "this session has an episode already, made from recording EG_1; it waits for a person to choose"
    assert second.episode_guid == "" != first.episode_guid
    assert (count(database, EpisodeRow), count(database, JobRow)) == (1, 1)
    with database.read() as session:
        (held,) = ledger.runs(session, failed=True)
    assert (held.id, held.state, held.reason) == ("EG_2", "held", second.held)
    assert send("EG_2", session_id="RM_x") == replace(second, known=True)


def test_a_room_of_an_unknown_show_waits_until_there_is_one(database: Database) -> None:
    accepted = sent(database, IntakeRules(), show="friday")
    assert accepted.held == "there is no show 'friday'; `aircheck show add friday` makes it"
    with database.begin() as session:
        assert admit_held(session) == 0
        add_show(session, "friday", "https://pods.example")
        assert admit_held(session) == 1
        assert admit_held(session) == 0
        run = ledger.run(session, "EG_1")
        episode = find_episode(session, "EG_1")
    assert run and episode
    assert (run.state, run.reason, run.show_slug, run.episode_guid) == ("waiting", "", "friday", episode.guid)


def test_an_unknown_show_is_made_where_the_rules_say_so(database: Database) -> None:
    accepted = sent(database, IntakeRules(unknown_show="create", public_url="https://pods.example"), show="Friday Night")
    assert accepted.show_slug == "friday-night" and accepted.episode_guid
    with database.read() as session:
        assert find_show(session, "friday-night")


def test_an_unknown_show_is_refused_where_the_rules_say_so(database: Database) -> None:
    with pytest.raises(Refused, match="there is no show 'friday'"):
        sent(database, IntakeRules(unknown_show="refuse"), show="friday")
    assert (count(database, RecordingRow), count(database, InboxRow)) == (0, 0)


def test_rooms_that_make_the_same_show_at_once_share_it(database: Database) -> None:
    rules, start, accepted = IntakeRules(unknown_show="create"), threading.Barrier(4), list[Accepted]()

    def knock(n: int) -> None:
        start.wait()
        with database.durable() as session:
            room = a_room(f"EG_{n}", show="friday")
            accepted.append(accept(session, room, "/r", provider="hook", event_id=f"EV_{n}", defaults=rules))

    threads = [threading.Thread(target=knock, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.show_slug for a in accepted] == ["friday"] * 4
    assert count(database, EpisodeRow) == 4


def test_a_room_without_a_show_goes_to_the_default(database: Database, show: Show) -> None:
    assert sent(database, IntakeRules(default_show=show.slug), show="").episode_guid
    assert "names no show" in sent_second(database).held


def sent_second(database: Database) -> Accepted:
    with database.durable() as session:
        return accept(session, a_room("EG_2", show=""), "/r", provider="hook", event_id="EV_2", defaults=IntakeRules())


# ---- many at once


def any_arrivals(chance: random.Random) -> list[Arrival]:
    """Rooms that repeat, contradict and overtake each other, of shows that are there and that are not."""
    return [
        Arrival(
            recording=a_room(
                f"EG_{chance.randrange(8)}", session_id=chance.choice(["", "RM_a", "RM_b", "RM_c"]), title=f"Title {n}",
                show=chance.choice(["tuesday", "tuesday", "friday", "Friday", "no one", ""]),
            ),
            root="/r", provider=chance.choice(["hooks", "watch"]), event_id=f"EV_{chance.randrange(12)}",
        )
        for n in range(30)
    ]  # fmt: skip


def one_by_one(session: Session, arrivals: list[Arrival], rules: IntakeRules) -> list[Accepted | str]:
    return [said for each in arrivals for said in told(accept_all(session, [each], rules))]


def told(answers: list[Accepted | Refused]) -> list[Accepted | str]:
    return [str(answer) if isinstance(answer, Refused) else answer for answer in answers]


def written(session: Session) -> list[list[tuple[object, ...]]]:
    """What the tables hold, but for ids that chance gave and the time."""
    columns = (
        (InboxRow.provider, InboxRow.event_id, InboxRow.recording_id),
        (RecordingRow.id, RecordingRow.wanted_show, RecordingRow.episode_guid, RecordingRow.state, RecordingRow.reason),
        (EpisodeRow.guid, EpisodeRow.recording_id, EpisodeRow.title, EpisodeRow.state),
        (JobRow.kind, JobRow.subject, JobRow.state, JobRow.wanted_rev),
        (ShowRow.slug, ShowRow.guid),
    )
    return [sorted(map(tuple, session.execute(select(*each)))) for each in columns]


@pytest.mark.parametrize("unknown_show", ["hold", "create", "refuse"])
@pytest.mark.parametrize("seed", range(6))
def test_many_at_once_are_taken_as_if_each_came_alone(
    database: Database, show: Show, empty_sqlite: Path, tmp_path: Path, seed: int, unknown_show: Any
) -> None:
    rules = IntakeRules(unknown_show=unknown_show, public_url="https://pods.example", default_show="tuesday" if seed % 2 else "")
    chance = random.Random(seed)
    arrivals = any_arrivals(chance)
    twin = open_database(f"sqlite:///{shutil.copy(empty_sqlite, tmp_path / 'twin.db')}")
    with twin.begin() as session:
        add_show(session, "tuesday", "https://pods.example")
        expected = one_by_one(session, arrivals, rules)
        rows = written(session)
    twin.close()
    cut = chance.randrange(len(arrivals))
    with database.begin() as session:
        together = [*accept_all(session, arrivals[:cut], rules), *accept_all(session, arrivals[cut:], rules)]
        assert told(together) == expected
        assert written(session) == rows
    assert len(rows[1]) > 3


def test_a_batch_takes_as_many_statements_as_one_room(database: Database, show: Show) -> None:
    def statements(arrivals: list[Arrival]) -> int:
        asked = list[str]()
        note = lambda _c, _cursor, statement, *_: asked.append(statement)  # noqa: E731
        event.listen(database.engine, "before_cursor_execute", note)
        with database.begin() as session:
            assert not any(isinstance(answer, Refused) or answer.known for answer in accept_all(session, arrivals, IntakeRules()))
        event.remove(database.engine, "before_cursor_execute", note)
        return len(asked)

    one = statements([Arrival.of(a_room("EG_one"), "/r", provider="hooks")])
    assert statements([Arrival.of(a_room(f"EG_{n}"), "/r", provider="hooks") for n in range(100)]) == one


# ---- what listeners are told


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ({"title": "Why record?"}, "Why record?"),
        ({"name": "tuesday-room"}, "Tuesday room, 20 November 2026"),
        ({"name": "Talk & Tea"}, "Talk & Tea, 20 November 2026"),
        ({"name": "\u202e", "title": "\x00"}, "Room, 20 November 2026"),
        ({"name": "---"}, "Room, 20 November 2026"),
    ],
)
def test_an_untitled_room_is_called_by_its_name_and_day(said: dict[str, str], title: str) -> None:
    assert title_of(a_room(**said)) == title


def test_only_those_who_may_be_heard_are_named_hosts_first() -> None:
    people = (
        Participant(identity="sam", name="Sam", role="speaker"),
        Participant(identity="lea", name="Lea", role="listener"),
        Participant(identity="rec", name="Recorder", kind="egress"),
        Participant(identity="no", name="No", role="speaker", recording_consent=False),
        Participant(identity="yes", name="", role="cohost", recording_consent=True),
        Participant(identity="ann", name="Ann", role="host"),
    )
    told = people_of(a_room(participants=people))
    assert [(p.role, p.name) for p in told] == [("host", "Ann"), ("cohost", "yes"), ("speaker", "Sam")]
    own_yes = people_of(a_room(participants=people, consent_policy="speakers"))
    assert [p.identity for p in own_yes] == ["yes"]
