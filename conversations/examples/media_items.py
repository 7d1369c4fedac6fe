"""Items with an image and sound, in the formats of compatible servers, and a call without an output."""

import base64
import math
import struct
import zlib

from .tool_items import Item

WIDTH, HEIGHT = 240, 160
RATE, SECONDS, PITCH = 8_000, 0.5, 440


def png(width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """An image of a sun on a color gradient."""
    lines = b"".join(b"\0" + bytes(_colours(width, height, y)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _colours(width: int, height: int, y: int) -> list[int]:
    ground = (24, 90 + 90 * y // height, 110)
    radius = height / 4
    is_sun = [math.hypot(x - width / 2, y - height / 2) < radius for x in range(width)]
    return [value for shines in is_sun for value in ((232, 160, 60) if shines else ground)]


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def wav() -> bytes:
    """Half a second of a tone that fades out."""
    count = int(RATE * SECONDS)
    tone = (math.sin(2 * math.pi * PITCH * number / RATE) * (1 - number / count) for number in range(count))
    samples = bytes(int(128 + 80 * each) for each in tone)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE, 1, 8)
    body = b"WAVE" + form + b"data" + struct.pack("<I", count) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def from_other_servers() -> list[Item]:
    """Messages as compatible servers store them, with an image and sound, and a call without an output."""
    picture, sound = (base64.b64encode(each).decode() for each in (png(), wav()))
    seen = {"type": "input_image", "image_url": {"url": f"data:image/png;base64,{picture}", "detail": "high"}}
    heard = {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}}
    spoken = {"type": "output_audio", "data": sound, "transcript": "It whistles in A."}
    call = {"type": "function_call", "call_id": "call_without_output", "name": "refund", "status": "completed"}
    return [
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Look and listen."}, seen, heard],
        },
        {"type": "message", "role": "assistant", "content": [spoken]},
        {"type": None, "role": "user", "content": "Then pay me back, please."},
        {**call, "arguments": '{"order_id": "48213", "amount": 49.9}'},
    ]
