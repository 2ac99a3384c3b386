"""The ledger alone says what is done: recordings, their jobs, and who works on them now.

`claims` is what workers do, `runs` what people see and steer, `asking` how a job comes to be, `tables` the rows of all that.
"""

from workers.ledger.asking import arm, arm_audio, feed_changed
from workers.ledger.claims import LEASE_S, Fenced, bury, claim, fail, finish, give_back, heartbeat, hinder, release_gone
from workers.ledger.runs import attempts, cancel, make_again, pause, paused, received, resume, retry, run, runs, these, unfinished
from workers.ledger.tables import AttemptRow, HandsRow, InboxRow, JobRow, LeaseRow, PausedRow, RecordingRow, TurnRow
from workers.ledger.values import MAX_TRIES, QUEUES, Attempt, Bell, Claim, JobLook, NextJob, Progress, Received, Run

__all__ = [
    "LEASE_S", "MAX_TRIES", "QUEUES", "Attempt", "AttemptRow", "Bell", "Claim", "Fenced", "HandsRow", "InboxRow", "JobLook",
    "JobRow", "LeaseRow", "NextJob", "PausedRow", "Progress", "Received", "RecordingRow", "Run", "TurnRow", "arm",
    "arm_audio", "attempts", "bury", "cancel", "claim", "fail", "feed_changed", "finish", "give_back", "heartbeat", "hinder",
    "make_again", "pause", "paused", "received", "release_gone", "resume", "retry", "run", "runs", "these", "unfinished",
]  # fmt: skip
