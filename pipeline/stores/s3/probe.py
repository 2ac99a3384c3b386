"""Finds out what a service that speaks S3 does of what not all of them do, by trying it on one small object."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import md5
from typing import Any, Literal

from botocore.exceptions import ClientError

from pipeline.stores import Abilities
from pipeline.stores.s3.words import CONFLICT, NOT_OFFERED, OVERTAKEN, status_of

_BODY = b"Aircheck looks at what this store can do.\n"
_OTHER_ETAG = md5(b"never written", usedforsecurity=False).hexdigest()


def content_md5(content: bytes) -> str:
    """Content-MD5, the one digest that every service checks that checks any."""
    return b64encode(md5(content, usedforsecurity=False).digest()).decode()


class Probe:
    """Tries things on the object at `target`, which is the caller's to delete."""

    def __init__(self, client: Any, target: Mapping[str, str]) -> None:
        self._client, self._target = client, target
        self._etag = ""

    def abilities(self) -> Abilities:
        """What the service was seen to do. Errors: those of boto3, when it does not even take an object."""
        self._status()
        conditional = self._conditional()
        return Abilities(
            conditional=conditional, checksums=self._status(ContentMD5=content_md5(b"other")) == 400, ranges=self._ranges()
        )

    def _conditional(self) -> Literal["quoted", "bare", "none"]:
        """How it wants the etag; `none` also where it takes a condition and does not heed it."""
        if self._status(IfNoneMatch="*") == OVERTAKEN:
            if self._heeds('"{}"'):
                return "quoted"
            if self._heeds("{}"):
                return "bare"
        return "none"

    def _heeds(self, written: str) -> bool:
        there = written.format(self._etag.strip('"'))
        return self._status(IfMatch=there) == 200 and self._status(IfMatch=written.format(_OTHER_ETAG)) == OVERTAKEN

    def _ranges(self) -> bool:
        part: bytes = self._client.get_object(**self._target, Range="bytes=1-3")["Body"].read()
        return part == _BODY[1:4]

    def _status(self, **how: str) -> int:
        """How a put is answered: 200, or the status that says that it would not have it so."""
        try:
            self._etag = self._client.put_object(**self._target, Body=_BODY, **how)["ETag"]
        except ClientError as error:
            if how and status_of(error) in {400, CONFLICT, OVERTAKEN, *NOT_OFFERED}:
                return status_of(error)
            raise
        return 200
