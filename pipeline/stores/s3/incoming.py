"""An object on its way from a service that speaks S3 into a file: what was cut off goes on where it ended."""

import contextlib
import hashlib
from collections.abc import Mapping
from typing import Any, BinaryIO

CHUNK_BYTES = 1 << 20


class Incoming:
    """Fills the file over one or more answers."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.restart()

    def restart(self) -> None:
        """Forget what came so far."""
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self._size_bytes = self._received_bytes = 0
        self._etag = ""

    def wanted(self) -> dict[str, str]:
        """What to ask for: everything, or the rest."""
        return {"Range": f"bytes={self._received_bytes}-"} if self._received_bytes else {}

    def took(self, answer: Mapping[str, Any]) -> bool:
        """Whether the object is whole now, and what it was when it was put. Errors: those of boto3 when the answer is cut off."""
        with contextlib.closing(answer["Body"]) as body:
            if "ContentRange" not in answer:
                self.restart()
                self._etag, self._size_bytes = answer["ETag"], answer["ContentLength"]
            if answer["ETag"] == self._etag:
                self._take(body)
        sha256 = answer.get("Metadata", {}).get("sha256", "")
        whole = self._received_bytes == self._size_bytes and answer["ETag"] == self._etag
        if whole and sha256 in {"", self._digest.hexdigest()}:
            return True
        self.restart()
        return False

    def _take(self, body: Any) -> None:
        for chunk in body.iter_chunks(CHUNK_BYTES):
            self._file.write(chunk)
            self._digest.update(chunk)
            self._received_bytes += len(chunk)
