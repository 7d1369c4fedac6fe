"""Adding the output of a call, which the application failed to add."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict

from ..items.blocks import as_map
from ..metadata import is_storable
from .base import TokenForm
from .repeating_rows import as_typed

Call = Mapping[str, Any]

STATUSES = (("completed", "Applied"), ("failed", "Failed"))
MAX_EXIT_CODE = 2**31 - 1


class OutputForm(TokenForm):
    """The output of a call: text; for a shell also its errors and exit code, for a patch whether it was applied."""

    kind = forms.CharField(required=False)
    output = forms.CharField(required=False, strip=False)
    stderr = forms.CharField(required=False, strip=False)
    exit_code = forms.IntegerField(required=False, initial=0, min_value=-MAX_EXIT_CODE - 1, max_value=MAX_EXIT_CODE)
    status = forms.ChoiceField(choices=STATUSES, required=False, initial="completed")

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        user: User | None = None,
        draft: QueryDict | None = None,
        call: Call | None = None,
    ) -> None:
        """`call` is None if it could not be read: then the form only shows again what was typed."""
        super().__init__(data, user=user, draft=draft)
        self.call = call
        kind = self.typed.get("kind", "") if self.typed else ""
        self.call_type = str(call.get("type")) if call else kind

    @property
    def is_typable(self) -> bool:
        """Whether the output can be typed: that of a screen is a picture."""
        return self.call is None or self.call_type in _OUTPUTS

    def clean_output(self) -> str:
        text = _as_sent(self.cleaned_data["output"])
        if not text and self.call_type not in ("shell_call", "apply_patch_call"):
            raise forms.ValidationError("Enter the output of the call. The next response reads it.")
        return text

    def clean_stderr(self) -> str:
        return _as_sent(self.cleaned_data["stderr"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        build = _OUTPUTS.get(self.call_type)
        if build is None or self.call is None:
            self.add_error(None, "Nothing was sent. The output of this call can’t be added here.")
        elif not isinstance(self.call.get("call_id"), str):
            self.add_error(None, "Nothing was sent. This call has no call_id for an output to refer to.")
        elif not self.errors:
            cleaned["item"] = {**_beginning(self.call), **build(self.call, cleaned)}
        return cleaned


def _as_sent(text: str) -> str:
    typed = as_typed(text)
    if not is_storable(typed):
        raise forms.ValidationError("The text contains a NUL or a broken character. Enter it again.")
    return typed


def _beginning(call: Call) -> dict[str, Any]:
    """What every output has: its type, the call, and the program that made the call, if one did."""
    caller = as_map(call.get("caller"))
    called_by = {"caller": dict(caller)} if caller.get("type") == "program" else {}
    return {"type": f"{call['type']}_output", "call_id": call.get("call_id"), **called_by}


def _text(call: Call, typed: dict[str, Any]) -> dict[str, Any]:
    return {"output": typed["output"]}


def _shell(call: Call, typed: dict[str, Any]) -> dict[str, Any]:
    outcome = {"type": "exit", "exit_code": typed["exit_code"] or 0}
    most = as_map(call.get("action")).get("max_output_length")
    limit = {"max_output_length": most} if isinstance(most, int) else {}
    return {**limit, "output": [{"stdout": typed["output"], "stderr": typed["stderr"], "outcome": outcome}]}


def _patch(call: Call, typed: dict[str, Any]) -> dict[str, Any]:
    return {"status": typed["status"] or "completed", **({"output": typed["output"]} if typed["output"] else {})}


# By the type of the call: the fields of its output. That of a local shell has the call's `call_id`: the official
# package names an `id` in its place, which the server does not take for the call's (openai-agents-python, #1855).
_OUTPUTS: dict[str, Callable[[Call, dict[str, Any]], dict[str, Any]]] = {
    "function_call": _text,
    "custom_tool_call": _text,
    "local_shell_call": _text,
    "shell_call": _shell,
    "apply_patch_call": _patch,
}
