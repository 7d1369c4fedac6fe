"""What the tests of imported files share."""

from collections.abc import Iterator

from conversations.importing import FoundId, Shape, Tally, preview, read_ids

UUID = "3f2c1b9e-5a77-4c1e-9d1b-0a2b3c4d5e6f"


def conv(number: int) -> str:
    return f"conv_{number:048x}"


A, B, C = conv(1), conv(2), conv(3)


def chunks_of(content: bytes, size: int = 1 << 20) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def as_bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content


def found_in(content: str | bytes, *, shape: Shape | None = None, size: int = 1 << 20) -> list[FoundId]:
    """What is found in a file that arrives in chunks of this size, in the shape that is guessed for it."""
    data = as_bytes(content)
    return list(read_ids(chunks_of(data, size), shape or preview(data[: 256 * 1024]).shape, Tally()))


def read(content: str | bytes, *, shape: Shape | None = None, size: int = 1 << 20) -> list[str]:
    return [found.id for found in found_in(content, shape=shape, size=size)]


def tally_of(content: str | bytes, *, shape: Shape | None = None) -> Tally:
    tally, data = Tally(), as_bytes(content)
    list(read_ids([data], shape or preview(data).shape, tally))
    return tally
