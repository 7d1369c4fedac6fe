"""Whether the web server in this container is well: `python -m convadmin.health` ends with 0, or 1 and a sentence."""

import os
import sys
from http.client import HTTPConnection, HTTPException

PORT = 8000
PATIENCE = 5  # seconds


def problem(port: int) -> str | None:
    """What is wrong with the server on this machine; None while it and its database answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/healthz", headers={"Host": _known_host()})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"The server does not respond: {error}"
    finally:
        connection.close()
    return None if status == 200 else f"The server responds with {status}."


def _known_host() -> str:
    """A name that the site goes by: it refuses requests for any other."""
    return os.environ.get("ALLOWED_HOSTS", "").partition(",")[0].strip().lstrip("*.") or "localhost"


if __name__ == "__main__":
    sys.exit(problem(PORT))
