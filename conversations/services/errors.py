"""Why a service didn't do what was asked, apart from failures at OpenAI (see `openai.errors`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..metadata import Change, difference
from ..models import Conversation, Credential, Event, Hold


class ServiceError(Exception):
    """Something that the operator has to know or decide; its text is shown on the page."""


class CredentialUnusable(ServiceError):
    """The credential can't be used: it is inactive, its host isn't allowed, or its secret can't be opened."""

    def __init__(self, credential: Credential, reason: str) -> None:
        super().__init__(reason)
        self.credential = credential


class AlreadySubmitted(ServiceError):
    """This form was sent before; `event` has the result."""

    def __init__(self, event: Event) -> None:
        super().__init__("This form was already sent. This is its result.")
        self.event = event


class BeingChanged(ServiceError):
    """Another event holds the lock on the conversation."""

    def __init__(self, event: Event, *, is_named: bool) -> None:
        """`is_named`: whether the reader may know who changes it."""
        since = f"{event.created_at:%H:%M:%S} UTC"
        doing = "reading" if event.is_reading else "changing"
        who = event.actor_name if is_named else "Someone from another team"
        what = f" ({event.get_action_display()})" if is_named else ""
        super().__init__(
            f"{who} has been {doing} this conversation since {since}{what}. Nothing was sent. Try again in a moment."
        )
        self.event = event


class Held(ServiceError):
    """A legal hold applies to the conversation."""

    def __init__(self, holds: Sequence[Hold]) -> None:
        told = "; ".join(f"{hold.actor_name} on {hold.created_at:%Y-%m-%d}: “{hold.reason}”" for hold in holds[:3])
        super().__init__(f"It’s on legal hold, so nothing of it may be changed or deleted. Held by {told}")
        self.holds = list(holds)


class MetadataMoved(ServiceError):
    """OpenAI's metadata is no longer what the form was opened with; nothing was sent."""

    def __init__(self, opened_with: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
        super().__init__(
            "Nothing was sent: the metadata at OpenAI has changed since this form was opened. "
            "Check what changed, then save again."
        )
        self.theirs = dict(theirs)
        self.changes: list[Change] = difference(opened_with, theirs)


class BelongsToAnother(ServiceError):
    """The conversation is already in the index, under another credential of the same server."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__("This conversation is already in the index, under another credential.")
        self.conversation = conversation


class NotRecorded(ServiceError):
    """OpenAI did it and the database could not store it: the id is only in this text and in the log."""

    def __init__(self, openai_id: str, credential: Credential) -> None:
        super().__init__(
            f"OpenAI created {openai_id}, but the database couldn’t store it. Write this id down. Once the database "
            f"works again, add the conversation with “Get by id” and the credential “{credential.name}”."
        )
        self.openai_id = openai_id
