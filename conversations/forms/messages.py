"""Messages as rows of a form, each with a text and, if wanted, further parts: pictures, files, more text.

A chosen file is read, checked, and carried along in a hidden field as a `data:` URL: a browser forgets its choice
whenever the form comes back. It goes to OpenAI with the message, and is stored nowhere here.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from ..items.creation import DETAILS, FILE_DETAILS, ROLES
from ..metadata import is_storable
from ..openai.ids import is_legal_id
from . import uploads
from .repeating_rows import Row, Rows, as_typed

MAX_MESSAGES = 200  # of a form; each call of the API takes 20
MAX_PARTS = 50  # of a form, besides the texts of its messages

PICTURE, FILE, TEXT, REFUSAL = "picture", "file", "text", "refusal"
KINDS = {PICTURE: "Picture", FILE: "File", TEXT: "More text", REFUSAL: "Refusal"}
ONLY_TEXT = "A message of the assistant can only have text. Choose another role, or remove this."

_ITEM = re.compile(r"items\[(\d{1,4})\]")
_ADD = re.compile(r"(picture|file|text)-message-(\d{1,4})")
_REMOVE = re.compile(r"remove-part-(\d{1,4})")
_URL = re.compile(r"https?://[^\s\x00-\x1f]+", re.IGNORECASE)

Json = dict[str, Any]


@dataclass
class PartRow(Row):
    """A part of a message besides its text.

    reference: a URL, the id of a file, or a text; name, data: of an uploaded file, as a data: URL; detail: how closely
    a model looks at a picture; number: in the form.
    """

    kind: str = PICTURE
    reference: str = ""
    name: str = ""
    data: str = ""
    detail: str = "auto"
    number: int = 0

    @property
    def label(self) -> str:
        return KINDS.get(self.kind, "Part")

    @property
    def is_media(self) -> bool:
        return self.kind in (PICTURE, FILE)

    @property
    def details(self) -> tuple[str, ...]:
        """The levels of detail to choose from."""
        return DETAILS if self.kind == PICTURE else FILE_DETAILS

    @property
    def is_blank(self) -> bool:
        return not (self.reference or self.name or self.data)

    @property
    def described(self) -> str:
        """Name, type and size of the uploaded file."""
        return uploads.described(self.name, self.data)

    def take(self, file: Any) -> None:
        """Take an uploaded file in place of what was there, unless it can't be used."""
        problem, name, data = uploads.read(file, is_picture=self.kind == PICTURE)
        if problem:
            self.errors.append(problem)
        else:
            self.name, self.data, self.reference = name, data, ""

    def check(self, role: str) -> None:
        """Note what is wrong with it in a message of this role."""
        if self.kind not in KINDS:
            self.errors.append("Remove this part: it’s of no known kind.")
        elif self.is_media and role == "assistant":
            self.errors.append(ONLY_TEXT)
        elif self.kind == REFUSAL and role != "assistant":
            self.errors.append("Only the assistant can refuse. Choose that role, or remove this.")
        elif not is_storable(self.reference + self.name):
            self.errors.append("This contains a NUL or a broken character. Enter it again.")
        elif self.is_media and not self.errors and (problem := self._problem()):
            self.errors.append(problem)

    def _problem(self) -> str:
        if self.detail not in self.details:
            return "Choose a level of detail."
        if self.data:
            return uploads.problem_with(self.data, is_picture=self.kind == PICTURE)
        if self.name:
            return "The chosen file got lost. Choose it again."
        is_id = is_legal_id(self.reference) and not re.search(r"[\s:]", self.reference)
        if is_id or _URL.fullmatch(self.reference):
            return ""
        if self.kind == PICTURE and self.reference.startswith("data:"):
            return uploads.problem_with(self.reference, is_picture=True)
        return "Enter a URL that begins with https:// or http://, or the id of a file, like file-abc123."

    def as_part(self, role: str) -> Json:
        """The content part of the API."""
        if self.kind == REFUSAL:
            return {"type": "refusal", "refusal": self.reference}
        if self.kind == TEXT:
            return {"type": "output_text" if role == "assistant" else "input_text", "text": self.reference}
        data = self.data or (f"data:;base64,… ({self.name})" if self.name else "")  # a preview gets the name only
        is_url = bool(_URL.match(self.reference)) or self.reference.startswith("data:")
        if self.kind == PICTURE:
            url = data or (self.reference if is_url else "")
            return {
                "type": "input_image",
                **({"image_url": url} if url else {"file_id": self.reference}),
                "detail": self.detail,
            }
        detail = {} if self.detail == "auto" else {"detail": self.detail}
        if data:
            return {"type": "input_file", "filename": self.name, "file_data": data, **detail}
        return {"type": "input_file", "file_url" if is_url else "file_id": self.reference, **detail}


@dataclass
class MessageRow(Row):
    """One message: its role, its text, and its further parts."""

    role: str = "user"
    text: str = ""
    parts: list[PartRow] = field(default_factory=list)

    @property
    def is_blank(self) -> bool:
        return not self.text and all(part.is_blank for part in self.parts)

    @property
    def has_errors(self) -> bool:
        return bool(self.errors) or any(part.errors for part in self.parts)

    def check(self) -> None:
        """Note what is wrong with it, and with its parts."""
        if self.role not in ROLES:
            self.errors.append("Choose a role.")
        if not is_storable(self.text):
            self.errors.append("The text contains a NUL or a broken character. Enter it again.")
        for part in self.parts:
            if not part.is_blank:
                part.check(self.role)

    def as_item(self) -> Json:
        """The item of the API: with a string as content, if there is only a text."""
        parts = [part.as_part(self.role) for part in self.parts if not part.is_blank]
        kind = "output_text" if self.role == "assistant" else "input_text"
        text = [{"type": kind, "text": self.text}] if self.text else []
        return {"type": "message", "role": self.role, "content": [*text, *parts] if parts else self.text}

    @classmethod
    def of_item(cls, item: Mapping[str, Any]) -> "MessageRow":
        """The row that makes this item, which `items.creation` made."""
        content = item["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        text = parts.pop(0)["text"] if parts and parts[0].get("text") else ""
        return cls(item["role"], as_typed(text), [_part_of(part) for part in parts])


def _part_of(part: Json) -> PartRow:
    kind = {"input_image": PICTURE, "input_file": FILE, "refusal": REFUSAL}.get(part["type"], TEXT)
    if kind in (TEXT, REFUSAL):
        return PartRow(kind, as_typed(part.get("text") or part.get("refusal") or ""))
    where = part.get("image_url") or part.get("file_url") or part.get("file_id") or ""
    row = PartRow(kind, where, detail=part.get("detail", "auto"))
    data = part.get("file_data") or (where if where.startswith("data:") else "")
    if data:
        row.reference, row.data, row.name = "", data, part.get("filename", "") or KINDS[kind].lower()
    return row


class MessageRows(Rows[MessageRow]):
    """Messages, in order."""

    noun = "message"
    limit = MAX_MESSAGES
    roles = ROLES

    def new_row(self) -> MessageRow:
        return MessageRow()

    def __iter__(self) -> Iterator[MessageRow]:
        for number, part in enumerate(self.parts):
            part.number = number
        return super().__iter__()

    @classmethod
    def from_data(cls, data: QueryDict, files: MultiValueDict[str, Any] | None = None) -> "MessageRows":
        """What was sent. `files`: those that were chosen in the browser."""
        pairs = zip(data.getlist("role"), data.getlist("text"), strict=False)
        rows = cls([MessageRow(role, as_typed(text)) for role, text in pairs])
        rows._read_parts(data, files or MultiValueDict())
        return rows

    def _read_parts(self, data: QueryDict, files: MultiValueDict[str, Any]) -> None:
        names = ("part", "part_of", "part_kind", "part_reference", "part_name", "part_detail")
        contents = data.getlist("part_data")  # left out where only a preview is wanted
        columns = zip(*(data.getlist(name) for name in names), strict=False)
        for position, (number, owner, kind, reference, name, detail) in enumerate(columns):
            content = contents[position] if position < len(contents) else ""
            part = PartRow(kind, as_typed(reference), name if kind in (PICTURE, FILE) else "", content, detail)
            if kind in (PICTURE, FILE):
                part.reference = part.reference.strip()
            if (file := files.get(f"upload_{number}")) is not None:
                part.take(file)
            if owner.isascii() and owner.isdecimal() and len(owner) < 5 and int(owner) < len(self.rows):
                self.rows[int(owner)].parts.append(part)

    @property
    def parts(self) -> list[PartRow]:
        """The further parts of all messages."""
        return [part for row in self.rows for part in row.parts]

    @property
    def is_full_of_parts(self) -> bool:
        return len(self.parts) >= MAX_PARTS

    @property
    def has_errors(self) -> bool:
        return bool(self.errors) or any(row.has_errors for row in self.rows)

    def act(self, do: str) -> bool:
        """Carry out a button of the messages or their parts; False if it is another one."""
        if (add := _ADD.fullmatch(do)) is not None:
            if int(add[2]) < len(self.rows) and not self.is_full_of_parts:
                self.rows[int(add[2])].parts.append(PartRow(add[1]))
        elif (remove := _REMOVE.fullmatch(do)) is not None:
            gone = self.parts[int(remove[1]) : int(remove[1]) + 1]
            for row in self.rows:
                row.parts = [part for part in row.parts if not any(part is each for each in gone)]
        else:
            return super().act(do)
        return True

    def clean(self) -> list[Json]:
        """The messages as items of the API, without empty rows; faults are noted on their rows."""
        for row in self.filled():
            row.check()
        if len(self.filled()) > MAX_MESSAGES:
            self.errors.append(f"There are {len(self.filled())} messages. This form takes {MAX_MESSAGES}.")
        if len(self.parts) > MAX_PARTS:
            self.errors.append(f"There are {len(self.parts)} pictures, files and texts. This form takes {MAX_PARTS}.")
        if problem := uploads.problem_with_all([part.data for part in self.parts]):
            self.errors.append(problem)
        return self.draft()

    def draft(self) -> list[Json]:
        """The messages, unchecked, for a preview."""
        return [row.as_item() for row in self.filled()]

    def row_of_param(self, param: str) -> MessageRow | None:
        """The row of the item that OpenAI names, such as items[2].content."""
        named, filled = _ITEM.match(param), self.filled()
        return filled[int(named[1])] if named and int(named[1]) < len(filled) else None

    def filled(self) -> list[MessageRow]:
        """The rows that are sent."""
        return [row for row in self.rows if not row.is_blank]


def rows_of(items: Collection[Mapping[str, Any]]) -> MessageRows:
    """Rows that make these items, which `items.creation` made."""
    return MessageRows([MessageRow.of_item(item) for item in items])
