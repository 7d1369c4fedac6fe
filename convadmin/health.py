"""The health check of the container: `python -m convadmin.health` exits with 0, or with 1 and a message."""

import os
import sys
from http.client import HTTPConnection, HTTPException

PORT = 8000
TIMEOUT = 5  # seconds


def problem(port: int) -> str | None:
    """What's wrong with the local server; None if it and its database respond."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/healthz", headers={"Host": _known_host()})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"The server doesn't respond: {error}"
    finally:
        connection.close()
    return None if status == 200 else f"The server responds with {status}."


def _known_host() -> str:
    """A host name that the site accepts in requests."""
    return os.environ.get("ALLOWED_HOSTS", "").partition(",")[0].strip().lstrip("*.") or "localhost"


if __name__ == "__main__":
    sys.exit(problem(PORT))
