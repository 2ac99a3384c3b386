"""A store that is away, too slow, or full, for as many requests as it is told."""

import time
from pathlib import Path
from typing import Any

from bench.trial.stores import Over
from pipeline.errors import Broken, Hindered
from pipeline.stores import Stat, Store


class TroubledStore(Over):
    """The store behind it, whenever it is not in trouble."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._trouble: list[str] = []

    def is_in_for(self, *trouble: str) -> None:
        """The next writes and looks meet these troubles, one each: away, full, wrong, late."""
        self._trouble += trouble

    def recovers(self) -> None:
        self._trouble.clear()

    def put(self, key: str, content: bytes | Path, **about: Any) -> Stat:
        self._meet(key)
        return self.store.put(key, content, **about)

    def get(self, key: str) -> bytes | None:
        self._meet(key)
        return self.store.get(key)

    def stat(self, key: str) -> Stat | None:
        self._meet(key)
        return self.store.stat(key)

    def _meet(self, key: str) -> None:
        trouble = self._trouble.pop(0) if self._trouble else ""
        if trouble == "away":
            raise Hindered(f"{key}: the store does not answer", code="store_away")
        if trouble == "full":
            raise Hindered(f"{key}: the store is full", code="disk_full")
        if trouble == "wrong":
            raise Broken(f"{key}: other bytes came back", code="upload_differs")
        if trouble == "late":
            time.sleep(0.01)
