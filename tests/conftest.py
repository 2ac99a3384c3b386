"""What holds for the whole suite: property tests try the same examples at every run, and new ones where they are asked to."""

import pytest
from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1000, deadline=None)
settings.load_profile("steady")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first, so that nobody waits for it alone in the end; all else stays as it was shuffled."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)
