"""Filters for the log."""

import logging
import re

_JOIN_LINK = re.compile(r"/people/join/[^/\s]+/[^/\s]+")


def without_refused_traceback(record: logging.LogRecord) -> bool:
    """Keep the line about a 4xx response, without the traceback of the exception that led to it."""
    if 400 <= getattr(record, "status_code", 0) < 500:
        record.exc_info = None
    return True


def without_join_links(record: logging.LogRecord) -> bool:
    """Keep the line, without the link with which somebody chooses a password: it works for whoever reads it."""
    if isinstance(record.args, tuple):
        hidden = "/people/join/…"
        record.args = tuple(_JOIN_LINK.sub(hidden, each) if isinstance(each, str) else each for each in record.args)
    return True
