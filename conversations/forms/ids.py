"""Pasted ids: extracted from the text around them, and distinguished from ids of other things."""

import re
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator

from ..openai.ids import MAX_ID_LENGTH, is_legal_id, is_legal_item_id

QUOTES = "\"'`“”‘’«»"
OTHER_IDS = {  # by how they begin
    "thread_": "a thread of the Assistants API",
    "asst_": "an assistant",
    "resp_": "a response",
    "msg_": "a message",
    "run_": "a run of the Assistants API",
}
MAX_PASTED_LENGTH = 2_000  # characters that are searched for an id


def refuse_illegal_id(text: str) -> None:
    """Raise ValidationError for what can't be the id of a conversation."""
    if not is_legal_id(text):
        raise forms.ValidationError("An id can’t contain “/” or control characters. Paste it again.")


def pasted_id(text: str) -> str:
    """The id in what somebody pasted, without quotes around it, or out of the URL of a dashboard.

    Raises ValidationError for the id of something else, and says what it is.
    """
    text = text.strip().strip(QUOTES + "()[]<>,.;: \t")
    in_url = re.search(r"\bconv_[^/?#&\s\"'<>]+", text) if "/" in text else None
    found = in_url[0] if in_url else text
    for prefix, name in OTHER_IDS.items():
        if found.startswith(prefix):
            raise forms.ValidationError(f"This is the id of {name}. The id of a conversation begins with conv_.")
    return found


class OpenAIIdField(forms.CharField):
    """The id of a conversation."""

    default_validators = [refuse_illegal_id]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(MaxLengthValidator(MAX_ID_LENGTH))

    def to_python(self, value: Any) -> str:
        return pasted_id(str(super().to_python(value))[:MAX_PASTED_LENGTH])


def refuse_illegal_item_id(text: str) -> None:
    """Raise ValidationError for what can't be the id of an item."""
    if not is_legal_item_id(text):
        raise forms.ValidationError("An id can’t contain control characters. Paste it again.")
