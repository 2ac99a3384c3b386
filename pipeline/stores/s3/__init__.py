"""Objects in a bucket of any service that speaks S3: how a store of them is opened.

store      what it does
sending    on the way there, large files in parts      incoming   on the way back
probe      what this service can do                    deadline   what must be done soon
words      what it says when it fails
"""

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from pipeline.errors import Refused
from pipeline.stores.s3.store import S3Store

# as many as a web server has threads
POOL = 40
CONNECT_S, ANSWER_S, PATIENT_ANSWER_S = 5, 8, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`endpoint_url` names a service other than Amazon's; credentials and region are found as boto3 finds them."""

    endpoint_url: str = ""


def open_at(place: str, options: Options) -> S3Store:
    """The store in that bucket, under the prefix that follows the bucket's name; nothing is asked of the service yet."""
    bucket, _, prefix = place.partition("/")
    if not bucket:
        raise Refused(f"s3://{place} names no bucket; write s3://bucket/prefix", code="bad_store_url")
    try:
        session = boto3.session.Session()
        client, patient = (_client(session, options.endpoint_url, answer_s) for answer_s in (ANSWER_S, PATIENT_ANSWER_S))
    except (BotoCoreError, ValueError) as error:
        raise Refused(
            f"S3 cannot be set up: {error}; look at store.endpoint_url and the AWS settings", code="bad_store_url"
        ) from None
    return S3Store(client, patient, bucket, prefix.strip("/"))


def _client(session: Any, endpoint_url: str, answer_s: int) -> Any:
    config = Config(
        connect_timeout=CONNECT_S, read_timeout=answer_s, retries={"mode": "standard", "total_max_attempts": 4},
        tcp_keepalive=True, max_pool_connections=POOL, s3={"addressing_style": "path" if endpoint_url else "auto"},
        request_checksum_calculation="when_required", response_checksum_validation="when_required",
    )  # fmt: skip
    return session.client("s3", endpoint_url=endpoint_url or None, config=config)
