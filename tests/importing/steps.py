"""What the tests of imported files share."""

from conversations.importing import Shape, Tally, preview, read_ids


def conv(number: int) -> str:
    return f"conv_{number:048x}"


A, B, C = conv(1), conv(2), conv(3)


def read(content: str | bytes, *, size: int = 1 << 20, shape: Shape | None = None) -> list[str]:
    """The ids of a file, in the shape that is guessed for it, given in chunks of this size."""
    data = content.encode() if isinstance(content, str) else content
    found = shape or preview(data[: 256 * 1024]).shape
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    return [each.id for each in read_ids(chunks, found, Tally())]


def tally_of(content: str) -> Tally:
    tally = Tally()
    list(read_ids([content.encode()], preview(content.encode()).shape, tally))
    return tally
