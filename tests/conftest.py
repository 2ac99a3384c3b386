"""What holds for the whole suite: property tests try the same examples at every run, and new ones where they are asked to."""

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1000, deadline=None)
settings.load_profile("steady")
