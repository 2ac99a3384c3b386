"""What a service that speaks S3 says when it fails, in one line that says what to do: to be waited for, or to be tried again."""

import errno
from collections.abc import Mapping

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from pipeline.errors import AircheckError, Broken, Hindered
from pipeline.stores import Overtaken
from pipeline.stores.s3.deadline import TooLateError

ABSENT = {"404", "NoSuchKey", "NotFound"}
# The body that arrived is not the one that was sent.
SPOILT = {"BadDigest", "IncompleteBody", "InvalidDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"}
# The body of an answer that ended early.
CUT = (boto.IncompleteReadError, boto.ReadTimeoutError, boto.ResponseStreamingError)
FAILURES = (boto.ClientError, boto.BotoCoreError, ResponseParserError, OSError)
NOT_OFFERED = {405, 501}
OVERTAKEN = 412
CONFLICT = 409
BEYOND = 416

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_AWAY = (boto.ConnectionError, boto.HTTPClientError, *CUT)
_NO_CREDENTIALS = (boto.CredentialRetrievalError, boto.NoCredentialsError, boto.PartialCredentialsError, boto.TokenRetrievalError)

_RIGHTS = ("store_denied", "the service refuses these credentials; look at their rights on the bucket")
_KEY_ID = ("store_denied", "the service does not know this access key; look at AWS_ACCESS_KEY_ID")
_SECRET = ("store_denied", "the service refuses the signature; look at AWS_SECRET_ACCESS_KEY and the clock")
_EXPIRED = ("store_denied", "these credentials have run out; renew them")
_CLOCK = ("clock_wrong", "the clock of this machine is wrong; set it")
_REGION = ("store_region", "the bucket is in another region; look at AWS_DEFAULT_REGION and store.endpoint_url")
_FULL = ("store_full", "the service has no more room for us; raise the quota or delete something")
_BUSY = ("store_busy", "the service asks for patience")
_AWAY_WORDS = ("store_away", "the service is not well; it is asked again")

_WAITED_FOR: Mapping[str, tuple[str, str]] = {
    "NoSuchBucket": ("bucket_missing", "there is no such bucket; make it, or let store.url name another"),
    **dict.fromkeys(("401", "403", "AccessDenied", "AccountProblem", "AllAccessDisabled", "Forbidden", "Unauthorized"), _RIGHTS),
    "InvalidAccessKeyId": _KEY_ID,
    "SignatureDoesNotMatch": _SECRET,
    **dict.fromkeys(("ExpiredToken", "InvalidToken", "TokenRefreshRequired"), _EXPIRED),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestExpired"), _CLOCK),
    **dict.fromkeys(("301", "307", "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect"), _REGION),
    **dict.fromkeys(("507", "InsufficientStorage", "QuotaExceeded", "ServiceQuotaExceeded", "XMinioStorageFull"), _FULL),
    **dict.fromkeys(("429", "503", "RequestLimitExceeded", "SlowDown", "Throttling", "TooManyRequests"), _BUSY),
}


def code_of(error: BaseException) -> str:
    """The service's word for what went wrong; "" when it said nothing."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, boto.ClientError) else ""


def status_of(error: BaseException) -> int:
    """The status of the service's answer; 0 when there was none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) if isinstance(error, boto.ClientError) else 0


def in_words(what: str, error: Exception) -> AircheckError:
    """The failure as the rest of Aircheck knows it."""
    hindrance = _hindrance(error)
    if hindrance:
        code, advice = hindrance
        return Hindered(f"{what}: {advice}", code=code)
    code = code_of(error)
    if code in ABSENT or isinstance(error, FileNotFoundError):
        return Broken(f"{what}: it is not there", code="missing")
    if status_of(error) in {CONFLICT, OVERTAKEN}:
        return Overtaken(f"{what}: somebody else wrote it meanwhile")
    return Broken(f"{what}: {error}", code="upload_differs" if code in SPOILT else "store_failed")


def no_bucket(what: str) -> Hindered:
    """For a service that only says that something is not there."""
    code, advice = _WAITED_FOR["NoSuchBucket"]
    return Hindered(f"{what}: {advice}", code=code)


def _hindrance(error: Exception) -> tuple[str, str] | None:
    """The code and advice for what is outside of the work, or None."""
    if known := _WAITED_FOR.get(code_of(error)):
        return known
    if status_of(error) >= 500 and status_of(error) not in NOT_OFFERED:
        return _AWAY_WORDS
    if isinstance(error, _NO_CREDENTIALS):
        return "no_credentials", "no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile"
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return "disk_full", f"{error.strerror}; make room"
    return ("store_away", f"the service does not answer: {error}") if isinstance(error, (*_AWAY, TooLateError)) else None
