"""A filter for the log."""

import logging


def without_refused_traceback(record: logging.LogRecord) -> bool:
    """Keep the line about a 4xx response, without the traceback of the exception that led to it."""
    if 400 <= getattr(record, "status_code", 0) < 500:
        record.exc_info = None
    return True
