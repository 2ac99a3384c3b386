"""What is on its way to a service that speaks S3; large files go in parts, and nothing is left when one of them fails."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import ClientError

from pipeline.stores import Stat
from pipeline.stores.s3.probe import content_md5
from pipeline.stores.s3.words import FAILURES, SPOILT, code_of

# up to here an object is sent in one piece
WHOLE_BYTES = 16 << 20
# up to here it is soon done
SMALL_BYTES = 1 << 20
THREADS = 4
# four of these are the memory that an upload takes
PART_BYTES = 8 << 20
MOST_PARTS = 10_000
TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What is to be put; large files have no body, they travel in parts."""

    sha256: str
    size_bytes: int
    file: Path = Path()
    body: bytes | None = None

    @classmethod
    def of(cls, content: bytes | Path) -> Self:
        if isinstance(content, Path) and content.stat().st_size > WHOLE_BYTES:
            with content.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                return cls(sha256=sha256, size_bytes=file.tell(), file=content)
        body = content.read_bytes() if isinstance(content, Path) else content
        return cls(sha256=hashlib.sha256(body).hexdigest(), size_bytes=len(body), body=body)

    @property
    def is_small(self) -> bool:
        return self.size_bytes <= SMALL_BYTES

    def is_told_by(self, stat: Stat) -> bool:
        return (stat.size_bytes, stat.sha256) == (self.size_bytes, self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartedUpload:
    """One file into the object at `target`; `client` is boto3's."""

    client: Any
    target: Mapping[str, str]
    file: Path
    size_bytes: int

    def send(self, about: Mapping[str, Any], condition: Mapping[str, str]) -> bool:
        """Whether the service was seen to have each part as it was read; the caller looks at the whole. Errors: those of boto3."""
        upload = {**self.target, "UploadId": self.client.create_multipart_upload(**self.target, **about)["UploadId"]}
        with self._aborted_on_failure(upload):
            with ThreadPoolExecutor(THREADS) as hands:
                etags = list(hands.map(lambda number: self._send_part(upload, number), range(1, self._count + 1)))
            self._complete(upload, [etag for etag, _ in etags], condition)
        return all(proven for _, proven in etags)

    @property
    def _part_bytes(self) -> int:
        return max(PART_BYTES, -(-self.size_bytes // MOST_PARTS))

    @property
    def _count(self) -> int:
        return -(-self.size_bytes // self._part_bytes)

    def _send_part(self, upload: Mapping[str, str], number: int, tries: int = TRIES) -> tuple[str, bool]:
        """The part's etag, and whether that proves its bytes; sent again where the service says that they came out otherwise."""
        content = self._content(number)
        try:
            answer = self.client.upload_part(**upload, PartNumber=number, Body=content, ContentMD5=content_md5(content))
        except ClientError as error:
            if tries == 1 or code_of(error) not in SPOILT:
                raise
            return self._send_part(upload, number, tries - 1)
        return answer["ETag"], proves(answer["ETag"], content)

    def _content(self, number: int) -> bytes:
        with self.file.open("rb") as file:
            file.seek((number - 1) * self._part_bytes)
            return file.read(self._part_bytes)

    def _complete(self, upload: Mapping[str, str], etags: list[str], condition: Mapping[str, str]) -> None:
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        try:
            self.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **condition)
        except ClientError as error:
            # the answer to an earlier try was lost, and the upload is complete: what stands there will show
            if code_of(error) != "NoSuchUpload":
                raise

    @contextlib.contextmanager
    def _aborted_on_failure(self, upload: Mapping[str, str]) -> Iterator[None]:
        try:
            yield
        except BaseException:
            # where even this fails, `tidy` finds it later
            with contextlib.suppress(*FAILURES):
                self.client.abort_multipart_upload(**upload)
            raise


def proves(etag: str, content: bytes) -> bool:
    """Whether the etag is the MD5 of these bytes; most services make it so, unless they encrypt."""
    return etag.strip('"') == hashlib.md5(content, usedforsecurity=False).hexdigest()
