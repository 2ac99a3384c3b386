"""A store over another one: what a trial changes, counts or breaks of a store, and nothing else of it."""

from typing import Any

from pipeline.stores import Store


class Over:
    """Hands on to the store below whatever an heir does not do itself."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)
