"""Logging is set up here and nowhere else: one event a line, figures under unit names, secrets replaced on the way out."""

import logging
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

GONE = "…"
# What gives access wherever it stands: signed addresses, private feeds, passwords in addresses, bearer tokens, login addresses.
_TELLING = (
    re.compile(r"(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s\"']+", re.IGNORECASE),
    re.compile(r"(/private/)[A-Za-z0-9_-]{8,}"),
    re.compile(r"(://[^:/@\s]*:)[^@/\s]+(?=@)"),
    re.compile(r"((?:authorization|x-aircheck-signature|cookie|set-cookie)[\"']?\s*[:=]\s*[\"']?)[^\"',}\n]+", re.IGNORECASE),
    re.compile(r"((?:[?&;]|\b)(?:token|key|secret|password|signature)=)[^&\s\"']+", re.IGNORECASE),
    re.compile(r"(\bBearer\s+)[\w.~+/=-]+", re.IGNORECASE),
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
LIMIT = 4000


def set_up(*, as_json: bool | None = None, level: str = "INFO", secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Everything that logs in this process, libraries too, writes lines to `stream` (stderr).

    `as_json` None is JSON unless a person watches; `secrets` are replaced wherever they turn up.
    """
    out = stream or sys.stderr
    machine = not out.isatty() if as_json is None else as_json
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars, structlog.stdlib.add_logger_name, structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.format_exc_info, redactor(secrets),
    ]  # fmt: skip
    written: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if machine else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, written],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("alembic", "httpx", "httpcore", "botocore", "boto3", "urllib3", "s3transfer", "uvicorn"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("dramatiq").setLevel(logging.ERROR)  # it warns of what one crew a queue on one broker must do
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(), wrapper_class=structlog.stdlib.BoundLogger,
    )  # fmt: skip


def redactor(secrets: Iterable[str] = ()) -> Processor:
    """A processor that leaves no secret, no control character and no endless text in an event."""
    known = sorted((secret for secret in secrets if len(secret) >= 6), key=len, reverse=True)

    def redact(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        return {key: _cleaned(value, known) for key, value in event.items() if key != "color_message"}  # uvicorn's second telling

    return redact


def _cleaned(value: Any, known: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _cleaned(inner, known) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(inner, known) for inner in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return redacted(str(value), known)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without anything that gives access."""
    for secret in secrets:
        text = text.replace(secret, GONE)
    for telling in _TELLING:
        text = telling.sub(rf"\g<1>{GONE}", text)
    text = _CONTROL.sub("", text)
    return text if len(text) <= LIMIT else f"{text[:LIMIT]}{GONE}"
