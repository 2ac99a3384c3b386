"""Objects in a bucket of any service that speaks S3.

Services differ in what they check, so nothing is believed: what was sent is proven by the etag where that is the MD5, else by the
digest where the service was seen to refuse a wrong one, else by reading it back; what is fetched fits the sha256 that we noted, or
is not handed on. boto3 asks again a few times by itself; what is small is done within `SOON_S` and one request more, well before
any lease runs out. Large files travel in parts, so that memory stays the same whatever their size.
"""

import contextlib
import hashlib
import math
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from pipeline.errors import Broken
from pipeline.naming import disposition
from pipeline.stores import Abilities, Overtaken, Stat, checked_key, mime_type_of
from pipeline.stores.s3.deadline import Deadline, TooLateError
from pipeline.stores.s3.incoming import CHUNK_BYTES, Incoming
from pipeline.stores.s3.probe import Probe, content_md5
from pipeline.stores.s3.sending import Matter, PartedUpload, proves
from pipeline.stores.s3.words import (
    ABSENT,
    BEYOND,
    CONFLICT,
    CUT,
    FAILURES,
    NOT_OFFERED,
    OVERTAKEN,
    SPOILT,
    code_of,
    in_words,
    no_bucket,
    status_of,
)

# how often bytes that came out wrong are sent or fetched
TRIES = 4
PAUSE_S = 0.2
# No request of something small begins later than this and what its bytes take on a slow line, so that it ends within 8 + 5 + 8 s
# and boto3's last pause, 4 s.
SOON_S = 8.0
SLOWEST_BYTES_A_SECOND = 125_000
PROBES = "_probe/"


class S3Store:
    """Objects of one bucket below a prefix; both clients are boto3's, the second waits longer for answers."""

    def __init__(self, client: Any, patient_client: Any, bucket: str, prefix: str) -> None:
        self._client, self._patient = client, patient_client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._has_bucket = False
        self._deadline = Deadline()
        client.meta.events.register("before-send.s3", self._deadline.check)

    def put(
        self, key: str, content: bytes | Path, *, mime_type: str, cache_control: str, filename: str = "",
        if_match: str | None = None,
    ) -> Stat:  # fmt: skip
        checked_key(key)
        with self._told(f"{key} cannot be written"):
            matter = Matter.of(content)
            about = {"ContentType": mime_type, "CacheControl": cache_control, "Metadata": {"sha256": matter.sha256}}
            if filename:
                about["ContentDisposition"] = disposition(filename)
            with self._deadline.within(SOON_S + matter.size_bytes / SLOWEST_BYTES_A_SECOND if matter.is_small else math.inf):
                return self._stood(key, matter, lambda: self._sent(key, matter, about, self._condition(if_match)))

    def get(self, key: str) -> bytes | None:
        into = BytesIO()
        with self._told(f"{key} cannot be read"):
            return into.getvalue() if _may_be(key) and self._fetched(key, into) else None

    def read(self, key: str, first: int, length: int, *, etag: str = "") -> bytes | None:
        if not _may_be(key):
            return None
        with self._told(f"{key} cannot be read"):
            for _ in range(TRIES - 1):
                with contextlib.suppress(*CUT):
                    return self._part_of(key, first, length, etag)
            return self._part_of(key, first, length, etag)

    def download(self, key: str, to: Path) -> None:
        part = to.with_name(f".{uuid.uuid4().hex}.part")
        try:
            with self._told(f"{key} cannot be fetched"):
                with part.open("xb") as file:
                    if not self._fetched(key, file):
                        raise FileNotFoundError
                part.replace(to)
        finally:
            part.unlink(missing_ok=True)

    def stat(self, key: str) -> Stat | None:
        if not _may_be(key):
            return None
        with self._told(f"{key} cannot be looked at"), self._deadline.within(SOON_S):
            try:
                return _stat_of(key, self._client.head_object(**self._at(key)))
            except ClientError as error:
                if code_of(error) not in ABSENT:
                    raise
                self._check_bucket()
                return None

    def delete(self, key: str) -> None:
        with self._told(f"{key} cannot be deleted"), self._deadline.within(SOON_S):
            self._client.delete_object(**self._at(checked_key(key)))

    def keys(self, prefix: str) -> Iterator[str]:
        with self._told("its objects cannot be listed"):
            for entry in self._pages("list_objects_v2", "Contents", prefix):
                yield entry["Key"].removeprefix(self._prefix)

    @property
    def conditional(self) -> bool:
        return self._abilities.conditional != "none"

    def probe(self) -> Abilities:
        return self._abilities

    def tidy(self, older_than_s: float) -> int:
        return self._uploads_ended(older_than_s) + self._probes_removed(older_than_s)

    # ---- writing

    def _stood(self, key: str, matter: Matter, send: Callable[[], bool]) -> Stat:
        """What now lies there, proven to be what was meant; sent again where it came out otherwise."""
        there = None
        for left in reversed(range(TRIES)):
            try:
                proven = send()
            except ClientError as error:
                if left and (code_of(error) in SPOILT or status_of(error) == CONFLICT):
                    time.sleep(PAUSE_S)
                    continue
                return self._lying_there_anyway(key, matter, error)
            there = self.stat(key)
            if there and matter.is_told_by(there):
                if proven or self._abilities.checksums or self._reads_back(key, matter):
                    return there
                # it would pass for what was meant
                self._client.delete_object(**self._at(key))
            elif there and there.sha256 not in {"", matter.sha256}:
                raise Overtaken(f"{self._name(key)} was written by somebody else meanwhile")
        has = f"{there.size_bytes:,} bytes" if there and not matter.is_told_by(there) else "other ones"
        raise Broken(
            f"{self._name(key)} should hold {matter.size_bytes:,} bytes and holds {has}; it is tried again", code="upload_differs"
        )

    def _lying_there_anyway(self, key: str, matter: Matter, error: ClientError) -> Stat:
        """What our bytes were refused for when it is those very bytes, as after an answer that was lost."""
        if code_of(error) in ABSENT:
            raise Overtaken(f"{self._name(key)} was deleted by somebody else meanwhile") from error
        there = self.stat(key) if status_of(error) == OVERTAKEN else None
        if there and matter.is_told_by(there):
            return there
        raise error

    def _sent(self, key: str, matter: Matter, about: Mapping[str, Any], condition: Mapping[str, str]) -> bool:
        """Whether the service's answer proves that it has these bytes."""
        if matter.body is None:
            upload = PartedUpload(client=self._patient, target=self._at(key), file=matter.file, size_bytes=matter.size_bytes)
            return upload.send(about, condition)
        client = self._client if matter.is_small else self._patient
        answer = client.put_object(**self._at(key), Body=matter.body, ContentMD5=content_md5(matter.body), **about, **condition)
        return proves(answer["ETag"], matter.body)

    def _reads_back(self, key: str, matter: Matter) -> bool:
        digest = hashlib.sha256()
        with contextlib.closing(self._patient.get_object(**self._at(key))["Body"]) as body:
            for chunk in body.iter_chunks(CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest() == matter.sha256

    def _condition(self, if_match: str | None) -> dict[str, str]:
        if if_match is None or not self.conditional:
            return {}
        if not if_match:
            return {"IfNoneMatch": "*"}
        return {"IfMatch": if_match if self._abilities.conditional == "quoted" else if_match.strip('"')}

    # ---- reading

    def _fetched(self, key: str, file: BinaryIO) -> bool:
        """Whether there is such an object; its bytes are in the file then."""
        incoming = Incoming(file)
        for _ in range(TRIES):
            try:
                answer = self._patient.get_object(**self._at(key), **incoming.wanted())
            except ClientError as error:
                if code_of(error) in ABSENT:
                    return False
                if status_of(error) != BEYOND:
                    raise
                incoming.restart()
                continue
            with contextlib.suppress(*CUT):
                if incoming.took(answer):
                    return True
        raise Broken(f"{self._name(key)} does not arrive as it was put there; it is fetched again", code="download_differs")

    def _part_of(self, key: str, first: int, length: int, etag: str) -> bytes | None:
        try:
            answer = self._patient.get_object(**self._at(key), Range=f"bytes={first}-{first + length - 1}")
        except ClientError as error:
            if code_of(error) in ABSENT:
                return None
            if status_of(error) == BEYOND:
                return b""
            raise
        with contextlib.closing(answer["Body"]) as body:
            if etag and answer["ETag"] != etag:
                raise Overtaken(f"{self._name(key)} was replaced while it was read")
            content: bytes = body.read()
        return content if "ContentRange" in answer else content[first : first + length]

    # ---- the bucket

    @cached_property
    def _abilities(self) -> Abilities:
        target = self._at(f"{PROBES}{uuid.uuid4().hex}")
        with self._told("it cannot be tried out"):
            try:
                return Probe(self._client, target).abilities()
            finally:
                # what cannot be removed now is found by `tidy`
                with contextlib.suppress(*FAILURES):
                    self._client.delete_object(**target)

    def _uploads_ended(self, older_than_s: float) -> int:
        ended = 0
        with self._told("unfinished uploads cannot be ended"):
            try:
                for upload in self._pages("list_multipart_uploads", "Uploads", "", older_than_s=older_than_s):
                    ended += self._ended(upload)
            except ClientError as error:
                if status_of(error) not in NOT_OFFERED:
                    raise
        return ended

    def _ended(self, upload: Mapping[str, Any]) -> bool:
        """Whether it was still to be ended."""
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        except ClientError as error:
            if code_of(error) not in {*ABSENT, "NoSuchUpload"}:
                raise
            return False
        return True

    def _probes_removed(self, older_than_s: float) -> int:
        removed = 0
        with self._told("what was tried out cannot be removed"):
            for entry in self._pages("list_objects_v2", "Contents", PROBES, older_than_s=older_than_s):
                self._client.delete_object(Bucket=self._bucket, Key=entry["Key"])
                removed += 1
        return removed

    def _pages(self, operation: str, shelf: str, prefix: str, *, older_than_s: float | None = None) -> Iterator[Mapping[str, Any]]:
        """Entries of every page of a listing; only the older ones, by the service's own clock, where an age is given."""
        for page in self._client.get_paginator(operation).paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
            before = None if older_than_s is None else _said_at(page) - timedelta(seconds=older_than_s)
            for entry in page.get(shelf, ()):
                if before is None or (entry.get("Initiated") or entry["LastModified"]) <= before:
                    yield entry

    def _check_bucket(self) -> None:
        """An object is absent only where there is a bucket; looked for once."""
        if self._has_bucket:
            return
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if code_of(error) in {*ABSENT, "NoSuchBucket"}:
                raise no_bucket(f"s3://{self._bucket}/{self._prefix}") from error
        self._has_bucket = True

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    def _name(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{key}"

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (*FAILURES, TooLateError) as error:
            raise in_words(f"s3://{self._bucket}/{self._prefix}: {what}", error) from error


def _may_be(key: str) -> bool:
    """Whether there can be such an object at all; rooms of others have keys that we would not write."""
    return re.fullmatch(r"[^\x00-\x1f\x7f]{1,1000}", key) is not None


def _stat_of(key: str, head: Mapping[str, Any]) -> Stat:
    return Stat(
        key=key, size_bytes=head["ContentLength"], mime_type=head.get("ContentType") or mime_type_of(key), etag=head["ETag"],
        sha256=head.get("Metadata", {}).get("sha256", ""), modified_at=head["LastModified"],
        cache_control=head.get("CacheControl", ""), disposition=head.get("ContentDisposition", ""),
    )  # fmt: skip


def _said_at(answer: Mapping[str, Any]) -> datetime:
    """The service's own time, by which it says how old things are."""
    told = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    with contextlib.suppress(ValueError):
        return parsedate_to_datetime(told).astimezone(UTC)
    return datetime.now(UTC)
