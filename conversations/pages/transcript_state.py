"""The part of a transcript that a page shows, read once from the URL; all its links are built from it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, urlencode

from ..items.finding import MAX_LENGTH as MAX_FIND
from .list_state import kept_result

# What the API leaves out unless it is asked for, by the name that it has there. Source: API reference, "include".
INCLUDABLE = {
    "file_search_call.results": "Results of file searches",
    "web_search_call.results": "Results of web searches",
    "web_search_call.action.sources": "Sources of web searches",
    "message.input_image.image_url": "URLs of images",
    "computer_call_output.output.image_url": "URLs of screenshots",
    "code_interpreter_call.outputs": "Outputs of the code interpreter",
    "reasoning.encrypted_content": "Encrypted reasoning",
    "message.output_text.logprobs": "Log probabilities",
}


BROKEN, FOUND = "broken", "found"
RENDERED, RAW = "rendered", "raw"
OPEN = "open"


@dataclass(frozen=True)
class TranscriptState:
    """A part of a transcript: after an item or before one, in an order, with what is included.

    `show`: "broken" for the calls without an output only, "found" for the items that contain `find` only, else "";
    `find`: a text to look for; `at`: the item that the URL leads to; `text`: "rendered" or "raw" if the URL says so;
    `renders`: whether Markdown is rendered otherwise; `folds`: "open" if nothing is folded; `result`: the query string
    of the list that the conversation was opened from.
    """

    newest_first: bool = False
    after: str = ""
    before: str = ""
    include: tuple[str, ...] = ()
    show: str = ""
    find: str = ""
    at: str = ""
    text: str = ""
    renders: bool = False
    folds: str = ""
    result: str = ""

    @classmethod
    def from_query(cls, parameters: Mapping[str, Sequence[str]], *, renders: bool = False) -> "TranscriptState":
        """The state of `?items=newest&show=broken&text=raw&item_after=msg_…&include=…`; unknown values are ignored."""
        one = {name: values[-1] for name, values in parameters.items() if values}
        included = parameters.get("include", ())
        find = one.get("find", "").strip()[:MAX_FIND]
        return cls(
            newest_first=one.get("items") == "newest",
            after=one.get("item_after", ""),
            before=one.get("item_before", "") if not one.get("item_after") else "",
            include=tuple(name for name in INCLUDABLE if name in included),
            show=_known(one, "show", (BROKEN, FOUND) if find else (BROKEN,)),
            find=find,
            at=one.get("item_at", ""),
            text=_known(one, "text", (RENDERED, RAW)),
            renders=renders,
            folds=_known(one, "folds", (OPEN,)),
            result=kept_result(parameters)[1:],
        )

    @property
    def url(self) -> str:
        """The URL of this part of the transcript."""
        cursors = {"item_after": self.after, "item_before": self.before}
        return self._url(*((name, value) for name, value in cursors.items() if value))

    @property
    def start(self) -> str:
        """The URL of the first items."""
        return self._url()

    @property
    def reversed(self) -> str:
        """The URL of the first items in the other order."""
        return replace(self, newest_first=not self.newest_first)._url()

    @property
    def is_rendered(self) -> bool:
        """Whether Markdown is rendered."""
        return self.text == RENDERED if self.text else self.renders

    @property
    def other_text(self) -> str:
        """The URL of this part with Markdown rendered, or as it is written."""
        return replace(self, text=RAW if self.is_rendered else RENDERED).url

    @property
    def other_folds(self) -> str:
        """The URL of this part with everything open, or with folds."""
        return replace(self, folds="" if self.folds else OPEN).url

    @property
    def found(self) -> str:
        """The URL of the items that contain the text."""
        return replace(self, show=FOUND)._url()

    @property
    def not_found(self) -> str:
        """The URL of this part without looking for a text."""
        whole = replace(self, show="", after="") if self.show == FOUND else self
        return replace(whole, find="").url

    @property
    def broken(self) -> str:
        """The URL of the calls without an output."""
        return replace(self, show=BROKEN)._url()

    @property
    def whole(self) -> str:
        """The URL of the first items of the whole transcript."""
        return replace(self, show="")._url()

    @property
    def included(self) -> str:
        """The query string that includes the same in other pages about the conversation."""
        return self._joined(urlencode([("include", name) for name in self.include]))

    @property
    def of_item(self) -> str:
        """The query string of the page of an item: the same is included, and its text is shown in the same way."""
        text = [("text", self.text)] if self.text else []
        return self._joined(urlencode([*text, *(("include", name) for name in self.include)]))

    @property
    def other_text_of_item(self) -> str:
        """The query string of the page of an item whose text is shown in the other way."""
        return replace(self, text=RAW if self.is_rendered else RENDERED).of_item

    @property
    def includable(self) -> list[tuple[str, str, bool]]:
        """What can be included: its name, its label, and whether it is."""
        return [(name, label, name in self.include) for name, label in INCLUDABLE.items()]

    @property
    def hidden_for_find(self) -> list[tuple[str, str]]:
        """The hidden fields of the form that looks for a text."""
        state = replace(self, find="", show="" if self.show == FOUND else self.show)
        return [*state.hidden, *(("include", name) for name in self.include)]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """The hidden fields of the form that chooses what is included."""
        return [*self._view, *parse_qsl(self.result, keep_blank_values=True)]

    def after_item(self, item_id: str) -> str:
        """The URL of the items after one."""
        return self._url(("item_after", item_id))

    def before_item(self, item_id: str) -> str:
        """The URL of the items before one."""
        return self._url(("item_before", item_id))

    def at_item(self, item_id: str) -> str:
        """The URL of the whole transcript around an item, with the item's anchor."""
        return replace(self, show="", find="")._url(("item_at", item_id)) + f"#item-{quote(item_id)}"

    @property
    def _view(self) -> list[tuple[str, str]]:
        order = "newest" if self.newest_first else ""
        pairs = [("items", order), ("show", self.show), ("find", self.find), ("text", self.text), ("folds", self.folds)]
        return [(name, value) for name, value in pairs if value]

    def _url(self, *cursor: tuple[str, str]) -> str:
        return self._joined(urlencode([*self._view, *cursor, *(("include", name) for name in self.include)]))

    def _joined(self, own: str) -> str:
        parts = "&".join(part for part in (own, self.result) if part)
        return f"?{parts}" if parts else ""


def _known(parameters: Mapping[str, str], name: str, values: Sequence[str]) -> str:
    value = parameters.get(name, "")
    return value if value in values else ""
