"""Forms that start a drafted job: what it is to do, and what has to be typed so that nobody starts it by mistake."""

import json
import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict

from ..edits import REMOVE, RENAME, REPLACE, SET, VERBS, Edit, Step
from ..exports.transcripts import FORMATS
from ..models import Credential, Job, JobKind
from .base import MAX_REASON_LENGTH
from .conversations import CredentialChoiceField
from .jobs import JobForm
from .repeating_rows import Row, Rows, as_typed

CONTENTS = [("metadata", "Metadata only"), ("transcripts", "Metadata and transcripts")]
PACKAGES = [
    ("jsonl", "JSON Lines: one line a conversation"),
    ("zip", "ZIP: one file a conversation (with transcripts)"),
    ("csv", "CSV: one row a conversation (metadata only)"),
]


class StartForm(JobForm):
    """Starts a drafted job."""

    has_preview = True  # as it is, without anything typed

    def __init__(self, data: QueryDict | None = None, *, job: Job, user: User, draft: QueryDict | None = None) -> None:
        super().__init__(data, user=user, draft=draft, initial={"reason": job.reason})
        self.job = job

    def act(self, do: str) -> bool:
        """Carry out a button that only changes rows; False if `do` is another one."""
        return False

    def parameters(self) -> dict[str, Any]:
        """What the job is to do; for a valid form."""
        return {}

    @property
    def is_previewed(self) -> bool:
        """Whether the page showed what it would do."""
        return True


class OverForm(StartForm):
    """Whether values that changed elsewhere are overwritten."""

    over_changes = forms.BooleanField(required=False)
    previewed = forms.CharField(required=False, strip=False)

    def parameters(self) -> dict[str, Any]:
        return {"over_changes": self.cleaned_data["over_changes"]}

    @property
    def signature(self) -> str:
        """What a preview is about, for a hidden field: it starts only as it was previewed."""
        return json.dumps([bool(self.typed and self.typed.get("over_changes")), *self.typed_steps])

    @property
    def typed_steps(self) -> list[list[str]]:
        """The steps, if it has any."""
        return []

    @property
    def is_previewed(self) -> bool:
        return bool(self.cleaned_data.get("previewed") == self.signature)


@dataclass
class StepRow(Row):
    """One step of an edit."""

    verb: str = SET
    key: str = ""
    value: str = ""
    to: str = ""

    @property
    def label(self) -> str:
        return VERBS[self.verb]

    @property
    def has_value(self) -> bool:
        return self.verb in (SET, REPLACE)

    @property
    def has_target(self) -> bool:
        return self.verb in (RENAME, REPLACE)

    @property
    def step(self) -> Step:
        """What was typed, without what its verb doesn't use."""
        return Step(self.verb, self.key, self.value if self.has_value else "", self.to if self.has_target else "")


class StepRows(Rows[StepRow]):
    """The steps of an edit."""

    noun = "step"
    limit = 16
    verbs = ((SET, VERBS[SET]), (REMOVE, VERBS[REMOVE]), (RENAME, VERBS[RENAME]), (REPLACE, VERBS[REPLACE]))

    @classmethod
    def from_data(cls, data: QueryDict) -> "StepRows":
        columns = [data.getlist(name) for name in ("verb", "key", "value", "to")]
        rows = (StepRow(verb, *map(as_typed, texts)) for verb, *texts in zip(*columns, strict=False))
        return cls([row for row in rows if row.verb in VERBS])

    def act(self, do: str) -> bool:
        verb = do.removeprefix("add-")
        if do.startswith("add-") and verb in VERBS:
            self.rows += [] if self.is_full else [StepRow(verb)]
            return True
        return super().act(do)

    def clean(self) -> list[Step]:
        """The steps; faults are noted on their rows."""
        for row in self.rows:
            row.errors += row.step.problems()
        if not self.rows:
            self.errors.append("Add a step: what is to be set, removed, renamed or replaced?")
        return [row.step for row in self.rows]


class EditJobForm(OverForm):
    """The steps of an edit."""

    has_preview = False

    def __init__(self, data: QueryDict | None = None, *, job: Job, user: User, draft: QueryDict | None = None) -> None:
        super().__init__(data, job=job, user=user, draft=draft)
        self.steps = StepRows.from_data(self.typed) if self.typed is not None else StepRows([])

    def act(self, do: str) -> bool:
        return self.steps.act(do)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned["steps"] = self.steps.clean()
        if self.steps.has_errors:
            self.add_error(None, "Nothing was changed. Correct the marked steps.")
        return cleaned

    def parameters(self) -> dict[str, Any]:
        edit = Edit(tuple(row.step for row in self.steps))
        return {**super().parameters(), "steps": edit.as_json()}

    @property
    def typed_steps(self) -> list[list[str]]:
        return [[step.verb, step.key, step.value, step.to] for step in (row.step for row in self.steps)]


class RemoveJobForm(StartForm):
    """The number of conversations, typed."""

    count = forms.CharField(error_messages={"required": "Type the number of conversations."})

    def clean_count(self) -> str:
        typed: str = self.cleaned_data["count"]
        if re.sub(r"[\s,.’']", "", typed) != str(self.job.total):
            raise forms.ValidationError(
                f"This isn’t the number of conversations, {self.job.total:,}. Nothing was done."
            )
        return typed


class EraseJobForm(RemoveJobForm):
    """The number, and a reason for the receipts."""

    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH, error_messages={"required": "Enter a reason for the receipts."}
    )


class TransferJobForm(StartForm):
    """The credential to which the conversations are given."""

    def __init__(self, data: QueryDict | None = None, *, job: Job, user: User, draft: QueryDict | None = None) -> None:
        super().__init__(data, job=job, user=user, draft=draft)
        servers = set(job.credentials.values_list("base_url", flat=True))
        usable = Credential.objects.visible_to(user).active().filter(base_url__in=servers)
        self.fields["credential"] = CredentialChoiceField(usable)

    def parameters(self) -> dict[str, Any]:
        return {"to": self.cleaned_data["credential"].pk}


class ExportJobForm(StartForm):
    """What the files contain, and how they are packed."""

    content = forms.ChoiceField(choices=CONTENTS, initial="transcripts")
    package = forms.ChoiceField(choices=PACKAGES, initial="jsonl")
    format = forms.ChoiceField(choices=[(name, each.label) for name, each in FORMATS.items()], initial="md")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        content, package = cleaned.get("content"), cleaned.get("package")
        if content == "metadata" and package == "zip":
            self.add_error("package", "A ZIP has one file a transcript. Choose JSON Lines or CSV for metadata.")
        if content == "transcripts" and package == "csv":
            self.add_error("package", "CSV has no place for transcripts. Choose JSON Lines or ZIP.")
        return cleaned

    def parameters(self) -> dict[str, Any]:
        names = ("content", "package", "format")
        chosen = {name: self.cleaned_data[name] for name in names}
        # In JSON Lines, a transcript is a part of its line.
        return chosen | ({"format": "json"} if chosen["package"] == "jsonl" else {})


START_FORMS: dict[str, type[StartForm]] = {
    JobKind.EDIT: EditJobForm,
    JobKind.UNDO: OverForm,
    JobKind.REMOVE: RemoveJobForm,
    JobKind.ERASE: EraseJobForm,
    JobKind.TRANSFER: TransferJobForm,
    JobKind.EXPORT: ExportJobForm,
}
