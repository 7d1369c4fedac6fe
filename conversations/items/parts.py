"""The parts of messages and of outputs, each as blocks."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from . import blocks
from .blocks import Block, as_list, as_map, as_text, code, is_nothing, joined, reference, rest, text, thing

Part = Mapping[str, Any]

MOST_PARTS = 1_000  # of one message or output that are shown each by itself

_PLACES = ("type", "index", "start_index", "end_index")  # of a citation; the text itself is not marked


def content(value: Any, *, is_code: bool = False) -> list[Block]:
    """What a message says, or a tool puts out: a text, or a list of parts. `is_code`: a text alone is for machines."""
    if isinstance(value, str):
        return code(value) if is_code else [Block("text", value)]
    parts = as_list(value)
    shown = [block for part in parts[:MOST_PARTS] for block in part_blocks(part)]
    return [*shown, *blocks.left_over(parts[MOST_PARTS:], "parts")]


def part_blocks(part: Any) -> list[Block]:
    """One part, with the fields that its type is not known to have; its JSON where it is none that is known, or does
    not hold what it should."""
    if isinstance(part, Mapping) and (known := _PARTS.get(str(part.get("type")))) is not None:
        shown, fields = known
        if found := shown(part):
            return [*found, *rest(part, ("type", *fields))]
    return [Block("code", blocks.as_json(part))]


def _text(part: Part) -> list[Block]:
    said = part.get("text")
    if not isinstance(said, str):
        return []
    citations = [block for each in as_list(part.get("annotations")) for block in annotation(each)]
    return [Block("text", said), *citations, *_probabilities(part.get("logprobs"))]


def _reasoning(part: Part) -> list[Block]:
    return text(part.get("text"), "Reasoning")


def _summary(part: Part) -> list[Block]:
    return text(part.get("text"), "Summary")


def _refusal(part: Part) -> list[Block]:
    said = part.get("refusal")
    return [Block("refusal", said, "Refusal")] if isinstance(said, str) else []


def _image(part: Part) -> list[Block]:
    return picture(part)


def _screenshot(part: Part) -> list[Block]:
    return picture(part, "Screenshot")


def picture(part: Any, name: str = "Image") -> list[Block]:
    """An image of a message or a screen, and in which detail it is looked at where that was chosen."""
    known = as_map(part)
    url = known.get("image_url")
    caption = _detail(known.get("detail") or as_map(url).get("detail"))
    shown = replace(blocks.image(url, known.get("file_id"), name), caption=caption)
    return [shown, *(rest(url, ("url", "detail")) if isinstance(url, Mapping) and "url" in url else [])]


def _detail(value: Any) -> str:
    detail = as_text(value)
    return "" if detail in ("", "auto") else f"{detail} detail".capitalize()


def _audio(part: Part) -> list[Block]:
    """Sound: its data and format stand in the part, or in a field of their own."""
    own = part.get("input_audio")
    held = part if is_nothing(own) else as_map(own)
    said, data = text(part.get("transcript"), "Transcript"), held.get("data")
    if not isinstance(data, str) or not data:
        return said if is_nothing(own) and is_nothing(data) else []
    shown = blocks.embedded("Audio", data, declared=as_text(held.get("format")))
    return [shown, *said, *(rest(held, ("data", "format")) if held is own else [])]


def _file(part: Part) -> list[Block]:
    name, data = as_text(part.get("filename")), part.get("file_data")
    what = [f"File “{name}”" if name else "File"]
    if isinstance(data, str) and data:
        what.append(blocks.described_data(data))
    if file_id := as_text(part.get("file_id")):
        what.append(file_id)
    url = part.get("file_url")
    named = ", ".join([*what, *([as_text(url)] if url else [])])
    return [thing(named, url=url, caption=_detail(part.get("detail")))]


def annotation(value: Any) -> list[Block]:
    """What a text cites, or a file that it points to."""
    known = as_map(value)
    kind = known.get("type")
    if kind == "url_citation":
        cited = reference(known.get("title"), known.get("url"), "Cites")
        return [cited, *rest(known, (*_PLACES, "title", "url"))]
    if kind in ("file_citation", "container_file_citation", "file_path"):
        names = ("filename", "file_id", "container_id")
        caption = "Points to the file" if kind == "file_path" else "Cites the file"
        return [reference(joined(map(known.get, names)), caption=caption), *rest(known, (*_PLACES, *names))]
    return [Block("code", blocks.as_json(value), "Annotation")]


def _probabilities(value: Any) -> list[Block]:
    """The probabilities of a text's tokens: they are asked for, so they are shown, as they came."""
    return code(value, "Log probabilities")


_SAID = ("text", "annotations", "logprobs")
_PICTURED = ("image_url", "file_id", "detail")
_HEARD = ("input_audio", "data", "format", "transcript")

# How the parts of a type are shown, and the fields that this shows.
_PARTS: dict[str, tuple[Callable[[Part], list[Block]], tuple[str, ...]]] = {
    "input_text": (_text, _SAID),
    "output_text": (_text, _SAID),
    "text": (_text, _SAID),
    "summary_text": (_summary, ("text",)),
    "reasoning_text": (_reasoning, ("text",)),
    "refusal": (_refusal, ("refusal",)),
    "input_image": (_image, _PICTURED),
    "computer_screenshot": (_screenshot, _PICTURED),
    "input_audio": (_audio, _HEARD),
    "output_audio": (_audio, _HEARD),
    "input_file": (_file, ("filename", "file_data", "file_id", "file_url", "detail")),
}
