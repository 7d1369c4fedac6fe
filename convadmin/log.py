"""What the log leaves out."""

import logging


def without_refused_traceback(record: logging.LogRecord) -> bool:
    """Keep the line about a request that was refused (4xx), and drop the traceback of the refusal."""
    if 400 <= getattr(record, "status_code", 0) < 500:
        record.exc_info = None
    return True
