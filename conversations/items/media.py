"""Recognizes images and sound in base64 by their bytes. Pure.

A declared media type or format is ignored, since the bytes are served to browsers. SVG isn't recognized on purpose: it
can contain scripts.
"""

import base64
import binascii
import re
import zlib
from dataclasses import dataclass

MAX_BYTES = 20_000_000  # of decoded data
HEAD_LENGTH = 64  # characters of base64 at the beginning, which are enough to recognize any of the formats

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_MP4_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"mp41", b"mp42", b"isom", b"iso2", b"dash")


@dataclass(frozen=True)
class Format:
    """A format that browsers can show or play. kind: `image` or `audio`."""

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
    """Whether a text is a data: URL."""
    return value[:5].lower() == "data:"


def payload(value: str) -> str:
    """The base64 in a data: URL, "" if it's encoded in another way. Any other text is taken for base64."""
    if not is_data_url(value):
        return value
    head, _, encoded = value.partition(",")
    return encoded if head[-7:].lower() == ";base64" else ""


def size_of(value: str) -> int:
    """How many bytes base64 or a data: URL decodes to, within two bytes."""
    encoded = value.partition(",")[2] if is_data_url(value) else value
    return len(encoded) * 3 // 4


def detect_format(value: str) -> Format | None:
    """The format of data in base64 or a data: URL; None if it's unknown, damaged or larger than 20 MB.

    Only decodes the beginning and the end.
    """
    encoded = payload(value)
    if not encoded or size_of(encoded) > MAX_BYTES + 2 or len(encoded) % 4 or not _BASE64.fullmatch(encoded):
        return None
    found = _format_of(base64.b64decode(encoded[:HEAD_LENGTH]))
    # A truncated image isn't shown. Every complete PNG ends with the same chunk.
    if found is PNG and not base64.b64decode(encoded[-HEAD_LENGTH:]).endswith(_PNG_END):
        return None
    return found


def decode_media(value: str) -> tuple[Format, bytes] | None:
    """Format and bytes, if `detect_format()` recognizes the data; otherwise None."""
    found = detect_format(value)
    if found is None:
        return None
    try:
        content = base64.b64decode(payload(value), validate=True)
    except binascii.Error:
        return None
    return (found, content) if len(content) <= MAX_BYTES else None


def _format_of(head: bytes) -> Format | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG if _is_png(head) else None
    if head.startswith(b"RIFF"):
        return _riff(head)
    if head[4:8] == b"ftyp":
        return M4A if head[8:12] in _MP4_AUDIO_BRANDS else None
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
    """Whether a valid header chunk follows the signature."""
    header, checksum = head[12:29], int.from_bytes(head[29:33])
    return head[8:16] == b"\0\0\0\x0dIHDR" and len(head) >= 33 and zlib.crc32(header) == checksum


def _riff(head: bytes) -> Format | None:
    if head[8:12] == b"WAVE":
        return WAV
    return WEBP if head[8:15] == b"WEBPVP8" else None


def _mpeg(head: bytes) -> Format | None:
    """MP3 and AAC without a container. Their frames begin with eleven or twelve set bits."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return AAC
    is_layer_3 = head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08
    return MP3 if is_layer_3 and head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C else None
