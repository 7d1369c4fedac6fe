"""Which base URLs a credential may have: https at an allowed host, or http at an allowed host that isn't OpenAI's.

Pure. A secret is only sent to the origin (scheme, host, port) that it was entered for.
"""

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"https": 443, "http": 80}


def normalized(url: str) -> str:
    """`url` as it is stored: scheme and host in lower case, without a default port, spaces around it or trailing
    slashes. An invalid URL is returned as it is, for `problem_with()` to refuse."""
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    if not parts.hostname or parts.username is not None:
        return url
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_default = port in {None, DEFAULT_PORTS.get(parts.scheme)}
    return parts._replace(netloc=name if is_default else f"{name}:{port}").geturl()


def corrected(url: str) -> str:
    """The base URL that is probably meant, if `url` is a common mistake; otherwise ""."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    path = re.sub(r"/conversations(/[^/]+)?$", "", parts.path.rstrip("/"))
    is_openai = f".{parts.hostname}".endswith(".api.openai.com")
    if is_openai and path == "":
        path = "/v1"
    return parts._replace(path=path).geturl() if path != parts.path.rstrip("/") else ""


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port. A missing port is the default port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme)


def host(url: str) -> str:
    """Host, and port if there is one, for people to read."""
    return urlsplit(url).netloc.rpartition("@")[2]


def problem_with(url: str, hosts: Sequence[str]) -> str | None:
    """Why no key may be sent to `url`, and what to do; None if it may. `hosts` are names or name:port."""
    if not url.isascii() or any(character.isspace() or not character.isprintable() for character in url):
        return "The URL contains a space or a character that isn’t plain ASCII. Enter it again."
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return "This isn’t a web URL. Enter one like https://api.openai.com/v1."
    return _problem_with_form(url, parts) or _problem_with_host(parts.scheme, name, port, hosts)


def _problem_with_form(url: str, parts: SplitResult) -> str | None:
    if parts.scheme not in {"https", "http"} or not parts.hostname or "\\" in url:
        return "Enter a URL that begins with https://, like https://api.openai.com/v1."
    if parts.username is not None or parts.password is not None:
        return "Leave the user name and password out of the URL."
    if "?" in url or "#" in url:
        return "Leave out everything from “?” or “#” on."
    return None


def _problem_with_host(scheme: str, name: str, port: int | None, hosts: Sequence[str]) -> str | None:
    if name not in hosts and f"{name}:{port}" not in hosts:
        return f"Keys can’t be sent to {name}. Whoever runs Convadmin can add it to CREDENTIAL_HOSTS."
    if scheme == "http" and f".{name}".endswith(".openai.com"):
        return "OpenAI can only be reached over https. Begin the URL with https://."
    return None
