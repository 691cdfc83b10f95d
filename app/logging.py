"""Logs of all processes: one line an event, for people or for machines, never with a secret in it.

Code logs through :mod:`logging` or :mod:`structlog`; both end here, and so do the libraries. What is bound
with ``structlog.contextvars.bind_contextvars`` (``request_id``, ``job_id``) is in every line of its context.
"""

import logging
import re
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from app.settings import Settings

# Keys of this service, codes of links, passwords in addresses.
_SECRETS = re.compile(r"kf_[0-9a-z]+_[0-9A-Za-z]+|(?<=code=)[\w-]+|(?<=://)[^\s/@]+(?=@)")
_HANDLER_NAME = "keraforge"


def configure_logging(settings: Settings) -> None:
    """Send every log line of this process to standard error in the configured form; may be called again."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _StandardError()
    handler.name = _HANDLER_NAME
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                _renderer(settings),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if each.name != _HANDLER_NAME] + [handler]
    root.setLevel(settings.log_level)
    # uvicorn comes with handlers of its own. Its access log is ours, which knows more.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = name != "uvicorn.access"
    logging.getLogger("alembic").setLevel(logging.WARNING)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at the time; who runs this process may replace it."""

    @property
    def stream(self) -> TextIO:
        """Standard error."""
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        """Ignore what the base class chooses."""


def _renderer(settings: Settings) -> Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Blacken what looks like a secret, however deep it stands."""
    return {key: _redacted(value) for key, value in event.items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRETS.sub("[redacted]", value)
    if isinstance(value, dict):
        return {key: _redacted(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(member) for member in value]
    return value
