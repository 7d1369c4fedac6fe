"""The request that a form would send, for people to read and to run by hand. Pure.

In the curl command, secrets are shell variables, and everything else is quoted for a POSIX shell.
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

MAX_LENGTH = 1_000_000  # characters of a body that is shown
MAX_DATA_LENGTH = 60  # of a data: URL in it

_DATA_FIELDS = ("image_url", "file_data")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+")


def shortened(value: Any) -> Any:
    """A body whose pictures and files in base64 are cut after their beginning, which is all that people can read."""
    if isinstance(value, Mapping):
        return {name: _cut(each) if name in _DATA_FIELDS else shortened(each) for name, each in value.items()}
    return [shortened(each) for each in value] if isinstance(value, list) else value


def _cut(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith("data:") or len(value) <= MAX_DATA_LENGTH:
        return value
    return f"{value[:MAX_DATA_LENGTH]}… ({len(value):,} characters)"


def size_of(value: Any) -> int:
    """How many characters the texts in a body have."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(name) + size_of(each) for name, each in value.items())
    return sum(map(size_of, value)) if isinstance(value, list) else 0


def as_json(body: Mapping[str, Any]) -> str:
    """The body as indented JSON."""
    return json.dumps(body, indent=2, ensure_ascii=False)


def as_curl(
    url: str,
    body: Mapping[str, Any],
    *,
    organization: str = "",
    project: str = "",
    secret_headers: Sequence[str] = (),
) -> str:
    """The request as a curl command. The key is `$OPENAI_API_KEY`, the value of a header X-Gate is `$X_GATE`."""
    lines = [f"curl {shlex.quote(url)}", *_header_options(organization, project, secret_headers)]
    lines.append(f"--data-raw {shlex.quote(json.dumps(body, ensure_ascii=False))}")
    return " \\\n  ".join(lines)


def _header_options(organization: str, project: str, secret_headers: Sequence[str]) -> list[str]:
    plain = {"Content-Type": "application/json", "OpenAI-Organization": organization, "OpenAI-Project": project}
    options = ['-H "Authorization: Bearer $OPENAI_API_KEY"']
    options += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in plain.items() if value]
    return options + [_secret_option(name) for name in secret_headers]


def _secret_option(name: str) -> str:
    # A header's name may contain characters that a shell interprets, such as a backtick.
    start = f'"{name}: ' if _PLAIN_NAME.fullmatch(name) else f'{shlex.quote(f"{name}: ")}"'
    return f'-H {start}${_variable(name)}"'


def _variable(name: str) -> str:
    variable = re.sub(r"\W", "_", name, flags=re.ASCII).upper()
    return f"_{variable}" if variable[:1].isdigit() else variable
