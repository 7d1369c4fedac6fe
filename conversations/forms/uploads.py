"""Uploaded pictures and files, as `data:` URLs: which are accepted, and how they are described."""

import base64
import mimetypes
import re
from collections.abc import Iterable
from typing import Any

from ..items import media
from ..items.blocks import described_data
from ..metadata import replace_unstorable

MAX_BYTES = 4_000_000  # of one file
MAX_TOTAL = 8_000_000  # of all files of a form, which it carries along in base64
MAX_NAME = 200  # characters

PICTURES = (media.PNG, media.JPEG, media.GIF, media.WEBP)  # that OpenAI takes
NOT_A_PICTURE = "isn’t a PNG, JPEG, GIF or WebP picture: its content says so, whatever its name is. Choose another one."

_DATA_URL = re.compile(r"data:[\w.+/-]+;base64,[A-Za-z0-9+/]+={0,2}")


def read(file: Any, *, is_picture: bool) -> tuple[str, str, str]:
    """What is wrong with an uploaded file, or "", with its name and its content as a data: URL."""
    name = replace_unstorable(file.name or "file")[-MAX_NAME:]
    if file.size > MAX_BYTES:
        size = f"{file.size / 1_000_000:.1f} MB"
        return f"“{name}” has {size}. Choose a file of up to {MAX_BYTES // 1_000_000} MB.", "", ""
    if not file.size:
        return f"“{name}” is empty. Choose another file.", "", ""
    file.seek(0)
    encoded = base64.b64encode(file.read()).decode("ascii")
    found = media.detect_format(encoded) if is_picture else None
    if is_picture and found not in PICTURES:
        return f"“{name}” {NOT_A_PICTURE}", "", ""
    kind = found.content_type if found else mimetypes.guess_type(name)[0] or "application/octet-stream"
    return "", name, f"data:{kind};base64,{encoded}"


def problem_with(data: str, *, is_picture: bool) -> str:
    """What is wrong with a data: URL, "" if nothing is."""
    if not _DATA_URL.fullmatch(data):
        return "This isn’t a data: URL in base64. Choose the file again."
    if media.size_of(data) > MAX_BYTES + 2:
        return f"The file is too large. Choose one of up to {MAX_BYTES // 1_000_000} MB."
    return f"The file {NOT_A_PICTURE}" if is_picture and media.detect_format(data) not in PICTURES else ""


def problem_with_all(contents: Iterable[str]) -> str:
    """Whether the files are too much together."""
    total = sum(map(media.size_of, contents))
    if total <= MAX_TOTAL:
        return ""
    sizes = f"{total / 1_000_000:.1f} MB", f"{MAX_TOTAL // 1_000_000} MB"
    return f"The files have {sizes[0]} together. This form takes {sizes[1]}. Remove one, or give its URL."


def described(name: str, data: str) -> str:
    """Name, type and size of an uploaded file."""
    return f"{name} ({described_data(data)})" if data else name
