"""The content parts of messages and outputs, as blocks."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from . import blocks
from .blocks import Block, as_list, as_map, as_text, code, is_empty, joined, note, reference, rest, text

Part = Mapping[str, Any]

MAX_PARTS = 1_000  # of one message or output; what follows is shown as a single block

_POSITION_FIELDS = ("type", "index", "start_index", "end_index")  # of citations; the text isn't marked there


def content(value: Any, *, is_code: bool = False) -> list[Block]:
    """The content of a message or an output: a string or a list of parts. `is_code`: show a string as code."""
    if isinstance(value, str):
        return code(value) if is_code else [Block("text", value)]
    parts = as_list(value)
    shown = [block for part in parts[:MAX_PARTS] for block in part_blocks(part)]
    return [*shown, *blocks.remaining(parts[MAX_PARTS:], "parts")]


def part_blocks(part: Any) -> list[Block]:
    """A part, with a block for unknown fields. A part of an unknown type or form is shown as JSON."""
    if isinstance(part, Mapping) and (known := _PARTS.get(str(part.get("type")))) is not None:
        shown, fields = known
        if found := shown(part):
            return [*found, *rest(part, ("type", *fields))]
    return [Block("code", blocks.as_json(part))]


def _text(part: Part) -> list[Block]:
    value = part.get("text")
    if not isinstance(value, str):
        return []
    citations = [block for each in as_list(part.get("annotations")) for block in annotation(each)]
    return [Block("text", value), *citations, *_probabilities(part.get("logprobs"))]


def _reasoning(part: Part) -> list[Block]:
    return text(part.get("text"), "Reasoning")


def _summary(part: Part) -> list[Block]:
    return text(part.get("text"), "Summary")


def _refusal(part: Part) -> list[Block]:
    value = part.get("refusal")
    return [Block("refusal", value, "Refusal")] if isinstance(value, str) else []


def _image(part: Part) -> list[Block]:
    return picture(part)


def _screenshot(part: Part) -> list[Block]:
    return picture(part, "Screenshot")


def picture(part: Any, name: str = "Image") -> list[Block]:
    """An image or a screenshot, with its level of detail unless that is automatic."""
    known = as_map(part)
    url = known.get("image_url")  # on some servers an object with `url` and `detail`, as in Chat Completions
    caption = _detail(known.get("detail") or as_map(url).get("detail"))
    shown = replace(blocks.image(url, known.get("file_id"), name), caption=caption)
    return [shown, *(rest(url, ("url", "detail")) if isinstance(url, Mapping) and "url" in url else [])]


def _detail(value: Any) -> str:
    detail = as_text(value)
    return "" if detail in ("", "auto") else f"{detail} detail".capitalize()


def _audio(part: Part) -> list[Block]:
    # input_audio parts have an object with `data` and `format`; output_audio parts have both fields themselves.
    input_audio = part.get("input_audio")
    holder = part if is_empty(input_audio) else as_map(input_audio)
    transcript, data = text(part.get("transcript"), "Transcript"), holder.get("data")
    if not isinstance(data, str) or not data:
        return transcript if is_empty(input_audio) and is_empty(data) else []
    shown = blocks.embedded("Audio", data, declared=as_text(holder.get("format")))
    return [shown, *transcript, *(rest(holder, ("data", "format")) if holder is input_audio else [])]


def _file(part: Part) -> list[Block]:
    name, data = as_text(part.get("filename")), part.get("file_data")
    description = [f"File “{name}”" if name else "File"]
    if isinstance(data, str) and data:
        description.append(blocks.described_data(data))
    if file_id := as_text(part.get("file_id")):
        description.append(file_id)
    url = part.get("file_url")
    if url:
        description.append(as_text(url))
    return [note(", ".join(description), url=url, caption=_detail(part.get("detail")))]


def annotation(value: Any) -> list[Block]:
    """A citation, or a file that a text points to."""
    known = as_map(value)
    kind = known.get("type")
    if kind == "url_citation":
        cited = reference(known.get("title"), known.get("url"), "Cites")
        return [cited, *rest(known, (*_POSITION_FIELDS, "title", "url"))]
    if kind in ("file_citation", "container_file_citation", "file_path"):
        names = ("filename", "file_id", "container_id")
        caption = "Points to the file" if kind == "file_path" else "Cites the file"
        return [reference(joined(map(known.get, names)), caption=caption), *rest(known, (*_POSITION_FIELDS, *names))]
    return [Block("code", blocks.as_json(value), "Annotation")]


def _probabilities(value: Any) -> list[Block]:
    return code(value, "Log probabilities")


_TEXT_FIELDS = ("text", "annotations", "logprobs")
_IMAGE_FIELDS = ("image_url", "file_id", "detail")
_AUDIO_FIELDS = ("input_audio", "data", "format", "transcript")

# By type of part: the function that makes its blocks, and the fields that these show.
_PARTS: dict[str, tuple[Callable[[Part], list[Block]], tuple[str, ...]]] = {
    "input_text": (_text, _TEXT_FIELDS),
    "output_text": (_text, _TEXT_FIELDS),
    "text": (_text, _TEXT_FIELDS),
    "summary_text": (_summary, ("text",)),
    "reasoning_text": (_reasoning, ("text",)),
    "refusal": (_refusal, ("refusal",)),
    "input_image": (_image, _IMAGE_FIELDS),
    "computer_screenshot": (_screenshot, _IMAGE_FIELDS),
    "input_audio": (_audio, _AUDIO_FIELDS),
    "output_audio": (_audio, _AUDIO_FIELDS),
    "input_file": (_file, ("filename", "file_data", "file_id", "file_url", "detail")),
}
