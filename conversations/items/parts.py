"""The parts of messages and of outputs, each as blocks."""

from collections.abc import Callable, Mapping
from typing import Any

from . import blocks
from .blocks import Block, as_list, as_map, as_text, code, reference, text, thing

Part = Mapping[str, Any]


def content(value: Any, *, is_code: bool = False) -> list[Block]:
    """What a message says, or a tool puts out: a text, or a list of parts. `is_code`: a text alone is for machines."""
    if isinstance(value, str):
        return code(value) if is_code else [Block("text", value)]
    return [block for part in as_list(value) for block in part_blocks(part)]


def part_blocks(part: Any) -> list[Block]:
    """One part; its JSON where it is none that is known, or does not hold what it should."""
    known = _PARTS.get(str(part.get("type"))) if isinstance(part, Mapping) else None
    return (known(part) if known else None) or [Block("code", blocks.as_json(part))]


def _text(part: Part) -> list[Block]:
    said = part.get("text")
    if not isinstance(said, str):
        return []
    citations = [annotation(each) for each in as_list(part.get("annotations"))]
    return [Block("text", said), *citations, *_probabilities(part.get("logprobs"))]


def _reasoning(part: Part) -> list[Block]:
    return text(part.get("text"), "Reasoning")


def _summary(part: Part) -> list[Block]:
    return text(part.get("text"), "Summary")


def _refusal(part: Part) -> list[Block]:
    said = part.get("refusal")
    return [Block("refusal", said, "Refusal")] if isinstance(said, str) else []


def _image(part: Part) -> list[Block]:
    return [blocks.image(part.get("image_url"), part.get("file_id"))]


def _screenshot(part: Part) -> list[Block]:
    return [screenshot(part)]


def _file(part: Part) -> list[Block]:
    name, data = as_text(part.get("filename")), part.get("file_data")
    what = [f"File “{name}”" if name else "File"]
    if isinstance(data, str) and data:
        what.append(blocks.described_data(data))
    if file_id := as_text(part.get("file_id")):
        what.append(file_id)
    url = part.get("file_url")
    return [thing(", ".join([*what, *([as_text(url)] if url else [])]), url=url)]


def screenshot(part: Any) -> Block:
    """A picture of a screen."""
    known = as_map(part)
    return blocks.image(known.get("image_url"), known.get("file_id"), "Screenshot")


def annotation(value: Any) -> Block:
    """What a text cites, or a file that it points to."""
    known = as_map(value)
    kind = known.get("type")
    if kind == "url_citation":
        return reference(known.get("title"), known.get("url"), "Cites")
    if kind in ("file_citation", "container_file_citation"):
        return reference(known.get("filename") or known.get("file_id"), caption="Cites the file")
    if kind == "file_path":
        return reference(known.get("file_id"), caption="Points to the file")
    return Block("code", blocks.as_json(value), "Annotation")


def _probabilities(value: Any) -> list[Block]:
    """The probabilities of a text's tokens: they are asked for, so they are shown, as they came."""
    return code(value, "Log probabilities")


_PARTS: dict[str, Callable[[Part], list[Block]]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "summary_text": _summary,
    "reasoning_text": _reasoning,
    "refusal": _refusal,
    "input_image": _image,
    "computer_screenshot": _screenshot,
    "input_file": _file,
}
