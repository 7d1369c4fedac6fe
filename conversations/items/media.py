"""Pictures and sound that stand in an item themselves, in base64: what they are, told by their bytes alone. Pure.

What is declared of them, a media type or a format, counts for nothing. SVG and HTML are no pictures here: they are
programs.
"""

import base64
import binascii
import re
import zlib
from dataclasses import dataclass

LARGEST = 20_000_000  # bytes that are decoded
HEAD = 64  # characters of base64 that hold whatever a format is known by

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_MP4_SOUND = (b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"iso2", b"dash")


@dataclass(frozen=True)
class Format:
    """What a browser can show or play: `kind` is `image` or `audio`."""

    kind: str
    content_type: str
    extension: str


PNG = Format("image", "image/png", "png")
JPEG = Format("image", "image/jpeg", "jpg")
GIF = Format("image", "image/gif", "gif")
WEBP = Format("image", "image/webp", "webp")
WAV = Format("audio", "audio/wav", "wav")
MP3 = Format("audio", "audio/mpeg", "mp3")
OGG = Format("audio", "audio/ogg", "ogg")
FLAC = Format("audio", "audio/flac", "flac")
AAC = Format("audio", "audio/aac", "aac")
M4A = Format("audio", "audio/mp4", "m4a")


def is_data_url(value: str) -> bool:
    """Whether the text is a URL that holds its content itself."""
    return value[:5].lower() == "data:"


def payload(value: str) -> str:
    """The base64 in a data: URL, or in a text that is nothing else; "" where it is encoded in another way."""
    if not is_data_url(value):
        return value
    head, _, encoded = value.partition(",")
    return encoded if head[-7:].lower() == ";base64" else ""


def size_of(value: str) -> int:
    """The number of bytes that base64, alone or in a data: URL, stands for."""
    encoded = value.partition(",")[2] if is_data_url(value) else value
    return len(encoded) * 3 // 4


def recognised(value: str) -> Format | None:
    """The format of what base64, alone or in a data: URL, holds; None for any that is not shown, for what is broken
    and for what is larger than 20 MB. Of the bytes only the first and last are decoded."""
    encoded = payload(value)
    if not encoded or size_of(encoded) > LARGEST + 2 or len(encoded) % 4 or not _BASE64.fullmatch(encoded):
        return None
    found = _format_of(base64.b64decode(encoded[:HEAD]))
    if found is PNG and not base64.b64decode(encoded[-HEAD:]).endswith(_PNG_END):
        return None
    return found


def decoded(value: str) -> tuple[Format, bytes] | None:
    """The format and the bytes of what `recognised` knows, None for all else."""
    found = recognised(value)
    if found is None:
        return None
    try:
        content = base64.b64decode(payload(value), validate=True)
    except binascii.Error:
        return None
    return (found, content) if len(content) <= LARGEST else None


def _format_of(head: bytes) -> Format | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG if _is_png(head) else None
    if head.startswith(b"RIFF"):
        return _riff(head)
    if head[4:8] == b"ftyp":
        return M4A if head[8:12] in _MP4_SOUND else None
    return next((known for beginning, known in _BEGINNINGS if head.startswith(beginning)), None) or _mpeg(head)


_BEGINNINGS = (
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"OggS\0", OGG),
    (b"fLaC", FLAC),
    (b"ID3", MP3),
)


def _is_png(head: bytes) -> bool:
    """Whether a header of a picture follows the signature, and is sound: it is as good as its checksum."""
    header, checksum = head[12:29], int.from_bytes(head[29:33])
    return head[8:16] == b"\0\0\0\x0dIHDR" and len(head) >= 33 and zlib.crc32(header) == checksum


def _riff(head: bytes) -> Format | None:
    if head[8:12] == b"WAVE":
        return WAV
    return WEBP if head[8:15] == b"WEBPVP8" else None


def _mpeg(head: bytes) -> Format | None:
    """Sound without a container: the first frame begins with eleven or twelve ones."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return AAC
    is_layer_3 = head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08
    return MP3 if is_layer_3 and head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C else None
