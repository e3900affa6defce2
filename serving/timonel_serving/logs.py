"""Structured logs: one JSON object a line on standard error, the same in every process.

Fields: time, level, logger, message and process always; request_id, model and version where they are
known; exception after a failure. No feature value and no secret is logged at info or above.
"""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Any

import orjson

from timonel.errors import BadInput

LEVEL = "TIMONEL_LOG_LEVEL"
LEVELS = ("debug", "info", "warning", "error")
QUIET = ("uvicorn.access", "httpx", "httpcore", "asyncio", "filelock")
"""Loggers that speak of every request: told from warning on, whatever the level."""

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_context: ContextVar[Mapping[str, Any]] = ContextVar("timonel_log", default=MappingProxyType({}))


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, always: Mapping[str, Any]) -> None:
        super().__init__()
        self._always = dict(always)

    def format(self, record: logging.LogRecord) -> str:
        """The line; what is given as `extra` becomes fields of their own."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._always,
            **_context.get(),
        }
        fields |= {name: value for name, value in vars(record).items() if name not in _PLAIN}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def set_up(process: str, level: str | None = None, **always: Any) -> None:
    """Log as JSON from now on, everything that other libraries say included.

    Args:
        process: which one this is, such as "detector".
        level: debug, info, warning or error; the environment's TIMONEL_LOG_LEVEL goes before it.
        always: fields of every line, such as model="fraud".
    """
    chosen = _level(level)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter({"process": process} | _said(always)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(chosen)
    for name in list(logging.root.manager.loggerDict):
        if not name.startswith("timonel"):
            _hand_over(logging.getLogger(name))
    for name in QUIET:
        logging.getLogger(name).setLevel(max(chosen, logging.WARNING))
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What ends the process is told as all else."""
    logging.getLogger("timonel").critical("the process ends", exc_info=(kind, error, trace))


def _hand_over(logger: logging.Logger) -> None:
    """Leave a library's lines to the root: it brings handlers and a format of its own."""
    logger.handlers[:] = []
    logger.propagate = True


def _level(given: str | None) -> int:
    name = (os.environ.get(LEVEL) or given or "info").lower()
    if name not in LEVELS:
        raise BadInput(f"{LEVEL} is {name!r}, expected one of {', '.join(LEVELS)}")
    return int(getattr(logging, name.upper()))


@contextmanager
def logged_as(**fields: Any) -> Iterator[None]:
    """Add fields, such as request_id, to all that is logged within."""
    token = _context.set({**_context.get(), **_said(fields)})
    try:
        yield
    finally:
        _context.reset(token)


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
