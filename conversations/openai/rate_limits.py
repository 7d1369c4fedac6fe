"""How much of a server's rate limit is left, from the headers of a response. Pure.

OpenAI documents x-ratelimit-limit-…, x-ratelimit-remaining-… and x-ratelimit-reset-… for requests and for tokens;
Azure and many gateways send them too.
"""

import re
from collections.abc import Mapping

UNITS = ("requests", "tokens")
_NUMBER = re.compile(r"\d{1,15}")


def rate_limits(headers: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """The limit and what remains of it, by unit: {"requests": {"limit": 500, "remaining": 499}}; only what is there and
    readable. `headers`: names in lower case."""
    found = {unit: _of(unit, headers) for unit in UNITS}
    return {unit: numbers for unit, numbers in found.items() if "remaining" in numbers}


def _of(unit: str, headers: Mapping[str, str]) -> dict[str, int]:
    texts = {name: headers.get(f"x-ratelimit-{name}-{unit}", "").strip() for name in ("limit", "remaining")}
    return {name: int(text) for name, text in texts.items() if text.isascii() and _NUMBER.fullmatch(text)}
