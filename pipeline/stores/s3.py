"""Objects in a bucket of any service that speaks S3; the only file that knows boto3.

Figures and habits of the services: 16 MiB parts by 4 threads from a file keep memory at 60 MB whatever the size; newer checksums
are sent only where a service demands them; what was sent is looked at again, since several services do not check it themselves.
"""

import contextlib
import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from pipeline.errors import AircheckError, Broken, Refused
from pipeline.naming import disposition
from pipeline.stores import Abilities, Overtaken, Stat, checked_key, mime_type_of

THREADS = 4
PART_BYTES = 16 << 20
TRANSFER = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=THREADS)
ABSENT = {"404", "NoSuchKey", "NotFound"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`endpoint_url` names a service other than Amazon's; credentials and region are found as boto3 finds them."""

    endpoint_url: str = ""


def open_at(place: str, options: Options) -> "S3Store":
    """The store in that bucket, under the prefix that follows the bucket's name; nothing is asked of the service yet."""
    bucket, _, prefix = place.partition("/")
    if not bucket:
        raise Refused(f"s3://{place} names no bucket; write s3://bucket/prefix", code="bad_store_url")
    return S3Store(_client(options.endpoint_url), bucket, prefix.strip("/"))


def _client(endpoint_url: str) -> Any:
    config = Config(
        connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 5}, tcp_keepalive=True,
        max_pool_connections=THREADS + 2, s3={"addressing_style": "path" if endpoint_url else "auto"},
        request_checksum_calculation="when_required", response_checksum_validation="when_required",
    )  # fmt: skip
    try:
        return boto3.session.Session().client("s3", endpoint_url=endpoint_url or None, config=config)
    except (BotoCoreError, ValueError) as error:
        raise Refused(
            f"S3 cannot be set up: {error}; look at store.endpoint_url and the AWS settings", code="bad_store_url"
        ) from None


class S3Store:
    """Objects of one bucket below a prefix; `client` is boto3's."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    # no condition is sent yet, so none is kept
    conditional = False

    def put(
        self, key: str, content: bytes | Path, *, mime_type: str, cache_control: str, filename: str = "",
        if_match: str | None = None,  # noqa: ARG002 - not kept: see `conditional`
    ) -> Stat:  # fmt: skip
        sha256, size_bytes = _digest(content)
        about: dict[str, Any] = {"ContentType": mime_type, "CacheControl": cache_control, "Metadata": {"sha256": sha256}}
        if filename:
            about["ContentDisposition"] = disposition(filename)
        target = {"Bucket": self._bucket, "Key": self._prefix + checked_key(key)}
        with self._told(f"{key} cannot be written"):
            if isinstance(content, Path):
                self._client.upload_file(str(content), **target, ExtraArgs=about, Config=TRANSFER)
            else:
                self._client.put_object(**target, Body=content, **about)
        there = self.stat(key)
        if there is None or (there.size_bytes, there.sha256) != (size_bytes, sha256):
            has = "nothing" if there is None else f"{there.size_bytes:,} bytes"
            raise Broken(
                f"{self._name(key)} should hold {size_bytes:,} bytes and holds {has}; it is tried again", code="upload_differs"
            )
        return there

    def get(self, key: str) -> bytes | None:
        with self._told(f"{key} cannot be read"):
            answer = _unless_absent(self._client.get_object, self._at(key))
            content: bytes | None = answer and answer["Body"].read()
            return content

    def read(self, key: str, first: int, length: int, *, etag: str = "") -> bytes | None:
        wanted = {"Range": f"bytes={first}-{first + length - 1}"} | ({"IfMatch": etag} if etag else {})
        try:
            with self._told(f"{key} cannot be read"):
                answer = _unless_absent(self._client.get_object, {**self._at(key), **wanted})
                content: bytes | None = answer and answer["Body"].read()
                return content
        except Broken as error:
            if _code(error) == "InvalidRange":
                return b""
            if _code(error) in {"PreconditionFailed", "412"}:
                raise Overtaken(f"{self._name(key)} was replaced while it was read") from error
            raise

    def download(self, key: str, to: Path) -> None:
        part = to.with_name(f".{uuid.uuid4().hex}.part")
        try:
            with self._told(f"{key} cannot be fetched"):
                self._client.download_file(**self._at(key), Filename=str(part), Config=TRANSFER)
                part.replace(to)
        finally:
            part.unlink(missing_ok=True)

    def stat(self, key: str) -> Stat | None:
        with self._told(f"{key} cannot be looked at"):
            head = _unless_absent(self._client.head_object, self._at(key))
        return head and Stat(
            key=key, size_bytes=head["ContentLength"], mime_type=head.get("ContentType") or mime_type_of(key),
            etag=head["ETag"], sha256=head.get("Metadata", {}).get("sha256", ""), modified_at=head["LastModified"],
            cache_control=head.get("CacheControl", ""), disposition=head.get("ContentDisposition", ""),
        )  # fmt: skip

    def delete(self, key: str) -> None:
        with self._told(f"{key} cannot be deleted"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + checked_key(key))

    def keys(self, prefix: str) -> Iterator[str]:
        with self._told("its objects cannot be listed"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix + prefix)
            for page in pages:
                yield from (entry["Key"].removeprefix(self._prefix) for entry in page.get("Contents", ()))

    def probe(self) -> Abilities:
        return Abilities(conditional="none", checksums=False, ranges=True)

    def tidy(self, older_than_s: float) -> int:
        before = datetime.now(UTC) - timedelta(seconds=older_than_s)
        with self._told("unfinished uploads cannot be ended"):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._prefix)
            left = [one for page in pages for one in page.get("Uploads", ()) if one["Initiated"] <= before]
            for one in left:
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=one["Key"], UploadId=one["UploadId"])
            return len(left)

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    def _name(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{key}"

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError, Boto3Error, OSError) as error:
            raise _in_words(f"s3://{self._bucket}/{self._prefix}: {what}", error) from error


def _digest(content: bytes | Path) -> tuple[str, int]:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest(), len(content)
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), content.stat().st_size


def _code(error: BaseException) -> str:
    """The service's word for what went wrong, also where boto3 has wrapped it."""
    for layer in (error, error.__cause__, error.__context__):
        if isinstance(layer, ClientError):
            return str(layer.response.get("Error", {}).get("Code", ""))
    return ""


def _unless_absent(ask: Callable[..., Any], target: dict[str, str]) -> Any:
    """What the service answers, or None where there is no such object."""
    try:
        return ask(**target)
    except ClientError as error:
        if _code(error) in ABSENT:
            return None
        raise


_WORDS = {
    "NoSuchBucket": ("bucket_missing", "there is no such bucket; make it, or let store.url name another"),
    "AccessDenied": ("store_denied", "the service refuses these credentials; look at their rights on the bucket"),
    "403": ("store_denied", "the service refuses these credentials; look at their rights on the bucket"),
    "InvalidAccessKeyId": ("store_denied", "the service does not know this access key; look at AWS_ACCESS_KEY_ID"),
    "SignatureDoesNotMatch": ("store_denied", "the service refuses the signature; look at AWS_SECRET_ACCESS_KEY and the clock"),
    "RequestTimeTooSkewed": ("store_denied", "the clock of this machine is wrong; set it"),
}


def _in_words(what: str, error: Exception) -> AircheckError:
    code = _code(error)
    if code in _WORDS:
        word, advice = _WORDS[code]
        return Broken(f"{what}: {advice}", code=word)
    if code in ABSENT:
        return Broken(f"{what}: it is not there", code="missing")
    if isinstance(error, NoCredentialsError):
        return Broken(
            f"{what}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile", code="no_credentials"
        )
    return Broken(f"{what}: {error}", code="store_failed")
