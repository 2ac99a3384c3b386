"""The rig that trials and fault tests share: hosts that die, quick jobs, a reader that never looks away, one checker of everything.

quick     jobs that sleep instead of listening, and publish as the real ones do
reader    polls a feed and notes whatever a podcast app must never see
checker   says which of the ten invariants of the design no longer holds
"""
