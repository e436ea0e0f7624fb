"""Logs on stdout: ids, counts, durations and states; never what somebody typed, at no level.

Exceptions are told by their types and where they were raised. Their texts are left out, and so are the messages of
libraries: slack_bolt and slack_sdk print whole request bodies, asyncio the text of exceptions. What they say is known
by its place in their source.
"""

import logging
import secrets
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.settings import LogFormat

SPEAKING_LIBRARIES = ("alembic",)
"""Libraries whose messages are shown: they know nothing of people."""

_FRAMES = 12


def configure_logging(*, level: str, form: LogFormat) -> None:
    """For structlog, for the standard library's loggers and for exceptions that nobody caught."""
    stamps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = _renderer(form)
    structlog.configure(
        processors=[*stamps, exceptions_without_text, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*stamps, _place_of_message],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, exceptions_without_text, renderer],
        )
    )
    # Libraries are held at WARNING whatever the level: below it they trace bodies.
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught


def log_unexpected(event: str, error: BaseException, **facts: Any) -> str:
    """Logs an error that nobody expected; the reference by which a person can ask for it."""
    reference = secrets.token_hex(3)
    structlog.get_logger().error(event, reference=reference, exc_info=error, **facts)
    return reference


def exceptions_without_text(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Turns `exc_info` into `error`, the types from the outermost to its cause, and `frames`."""
    error = _exception(event.pop("exc_info", None))
    event.pop("exc_text", None)
    if error is not None:
        event["error"] = " from ".join(_type_names(error))
        event["frames"] = [
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(_innermost_first(error).__traceback__)[-_FRAMES:]
        ]
    return event


def _exception(info: Any) -> BaseException | None:
    match info:
        case BaseException():
            return info
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exc_info()[1]
        case _:
            return None


def _type_names(error: BaseException) -> list[str]:
    names: list[str] = []
    current: BaseException | None = error
    while current is not None and len(names) < 5:
        names.append(type(current).__name__)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return names


def _innermost_first(error: BaseException) -> BaseException:
    """Of a task group's error the first of the errors in it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _place_of_message(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    if not record.name.startswith(SPEAKING_LIBRARIES):
        event["event"] = "library_message"
        event["place"] = f"{record.module}.{record.funcName}:{record.lineno}"
    return event


def _renderer(form: LogFormat) -> Processor:
    if form is LogFormat.JSON:
        return structlog.processors.JSONRenderer(default=str)
    return structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), pad_event_to=0, repr_native_str=True)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log_unexpected("uncaught_error", error.with_traceback(trace))


def loop_exception_handler(_: object, context: Mapping[str, Any]) -> None:
    """For asyncio: what went wrong where nobody awaits it."""
    error = context.get("exception")
    if isinstance(error, BaseException):
        log_unexpected("background_error", error)
    else:
        structlog.get_logger().warning("loop_complaint")
