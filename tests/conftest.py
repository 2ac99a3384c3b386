"""What holds for the whole suite: how its property tests choose, what begins first, what a signal does."""

import signal

import pytest
from hypothesis import settings

# What is started in the background of a script ignores Ctrl-C, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1000, deadline=None)
settings.load_profile("steady")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first, so that nobody waits for it alone in the end; all else stays as it was shuffled."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)
