"""Which items of a conversation a page shows, read once from the address; every link of it is built from it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from .list_state import kept

# What the API leaves out unless it is asked for, by the name that it has there. Source: API reference, "include".
INCLUDABLE = {
    "file_search_call.results": "Results of file searches",
    "web_search_call.results": "Results of web searches",
    "web_search_call.action.sources": "Sources of web searches",
    "message.input_image.image_url": "Addresses of images",
    "computer_call_output.output.image_url": "Addresses of screenshots",
    "code_interpreter_call.outputs": "Outputs of the code interpreter",
    "reasoning.encrypted_content": "Encrypted reasoning",
    "message.output_text.logprobs": "Log probabilities",
}


BROKEN = "broken"


@dataclass(frozen=True)
class TranscriptState:
    """Where in a transcript one is: after one item or before one, in which order, with what is included.

    `show`: "broken" for the calls without an output alone, else "". `result`: the address of the list that the
    conversation was opened from, carried along.
    """

    newest_first: bool = False
    after: str = ""
    before: str = ""
    include: tuple[str, ...] = ()
    show: str = ""
    result: str = ""

    @classmethod
    def from_address(cls, parameters: Mapping[str, Sequence[str]]) -> "TranscriptState":
        """The state of `?items=newest&show=broken&item_after=msg_…&include=…`; what is unknown counts as not there."""
        one = {name: values[-1] for name, values in parameters.items() if values}
        wanted = parameters.get("include", ())
        return cls(
            newest_first=one.get("items") == "newest",
            after=one.get("item_after", ""),
            before=one.get("item_before", "") if not one.get("item_after") else "",
            include=tuple(name for name in INCLUDABLE if name in wanted),
            show=BROKEN if one.get("show") == BROKEN else "",
            result=kept(parameters)[1:],
        )

    @property
    def address(self) -> str:
        """The address of this very place."""
        places = {"item_after": self.after, "item_before": self.before}
        return self._address(*((name, value) for name, value in places.items() if value))

    @property
    def start(self) -> str:
        """The address of the first items."""
        return self._address()

    @property
    def turned(self) -> str:
        """The address of the first items in the other order."""
        return replace(self, newest_first=not self.newest_first)._address()

    @property
    def broken(self) -> str:
        """The address of the calls without an output."""
        return replace(self, show=BROKEN)._address()

    @property
    def whole(self) -> str:
        """The address of the first items, whatever they are."""
        return replace(self, show="")._address()

    @property
    def included(self) -> str:
        """What is included, as an address of another page about the conversation has it."""
        return self._joined(urlencode([("include", name) for name in self.include]))

    @property
    def includable(self) -> list[tuple[str, str, bool]]:
        """What can be included: its name, its words, and whether it is."""
        return [(name, words, name in self.include) for name, words in INCLUDABLE.items()]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What a form that chooses what is included carries along."""
        return [*self._manner, *parse_qsl(self.result, keep_blank_values=True)]

    def after_item(self, item_id: str) -> str:
        """The address of the items that follow one."""
        return self._address(("item_after", item_id))

    def before_item(self, item_id: str) -> str:
        """The address of the items that stand before one."""
        return self._address(("item_before", item_id))

    @property
    def _manner(self) -> list[tuple[str, str]]:
        order = [("items", "newest")] if self.newest_first else []
        return [*order, *([("show", self.show)] if self.show else [])]

    def _address(self, *place: tuple[str, str]) -> str:
        return self._joined(urlencode([*self._manner, *place, *(("include", name) for name in self.include)]))

    def _joined(self, own: str) -> str:
        parts = "&".join(part for part in (own, self.result) if part)
        return f"?{parts}" if parts else ""
