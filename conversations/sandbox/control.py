"""The sandbox's own routes, for when it runs in another process: faults and log over HTTP."""

from typing import Any

from .api import check_key
from .errors import ApiError, bad_request
from .faults import Fault, Faults
from .log import Log
from .messages import Request, Response

PREFIX = "/_sandbox/"


def respond(request: Request, *, key: str, faults: Faults, log: Log) -> Response:
    """Respond to a request under `/_sandbox/`. All but the health check need the bearer key."""
    call = (request.method, request.full_path.removeprefix(PREFIX))
    try:
        if call == ("GET", "health"):
            return Response(200, {"status": "ok"})
        check_key(request, key)
        return Response(200, _act(call, request, faults, log))
    except ApiError as error:
        return Response.from_error(error)


def _act(call: tuple[str, str], request: Request, faults: Faults, log: Log) -> dict[str, Any]:
    match call:
        case ("POST", "faults"):
            return {"added": _add_faults(request.document, faults)}
        case ("DELETE", "faults"):
            faults.clear()
        case ("GET", "log"):
            return {"object": "list", "data": [entry.as_json() for entry in log]}
        case ("DELETE", "log"):
            log.clear()
        case _:
            raise ApiError(404, f"Invalid URL ({request.method} {request.full_path})")
    return {"cleared": True}


def _add_faults(document: Any, faults: Faults) -> int:
    """Add a fault or a list of faults, all or none; returns how many."""
    try:
        added = [Fault.from_json(one) for one in (document if isinstance(document, list) else [document])]
    except ValueError as error:
        raise bad_request(f"Invalid fault: {error}.", "invalid_fault", None) from error
    for fault in added:
        faults.add(fault)
    return len(added)
