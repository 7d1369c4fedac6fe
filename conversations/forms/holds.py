"""Forms of holds, retention rules and erasure requests."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db import transaction
from django.http import QueryDict

from ..models import Credential, RetentionRule
from ..models.retention_rule import RULE_ACTIONS
from ..query import parse_bounded
from .base import MAX_REASON_LENGTH, TokenForm
from .conversations import MetadataRowsForm
from .repeating_rows import MetadataRows, PairRow, as_typed


class HoldForm(TokenForm):
    """Why something is held, or no longer."""

    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        error_messages={"required": "Enter the reason. Whoever is refused a change reads it."},
    )

    def clean_reason(self) -> str:
        return as_typed(self.cleaned_data["reason"])


class SearchField(forms.CharField):
    """A search without problems, in its canonical form and without its credentials, which are chosen beside it."""

    def clean(self, value: Any) -> str:
        query = parse_bounded(super().clean(value))
        if query.problems:
            problem = query.problems[0]
            raise forms.ValidationError(f"“{problem.text}” isn’t understood. {problem.message}")
        if query.clauses_on("credential"):
            raise forms.ValidationError("Leave credential: out, and tick the credentials below.")
        return str(query)


class RuleForm(forms.ModelForm):
    """A retention rule."""

    query = SearchField(required=False, strip=False)
    age_days = forms.IntegerField(min_value=1, max_value=36_500)
    every_hours = forms.IntegerField(min_value=1, max_value=24 * 366)
    action = forms.ChoiceField(choices=RULE_ACTIONS, initial="erase")

    class Meta:
        model = RetentionRule
        fields = ["name", "query", "age_days", "action", "reason", "every_hours", "credentials"]
        error_messages = {
            "name": {"required": "Enter a name.", "unique": "There’s already a rule with this name."},
            "reason": {"required": "Enter a reason. It stands in each job and receipt."},
            "credentials": {"required": "Tick at least one credential."},
        }

    def __init__(self, data: QueryDict | None = None, *, user: User, **options: Any) -> None:
        super().__init__(data, **options)
        self.user = user
        usable = Credential.objects.visible_to(user).order_by("name")
        self.fields["credentials"].queryset = usable  # type: ignore[attr-defined]
        for name in ("name", "query", "reason"):
            self.fields[name].widget.attrs = {"dir": "auto", "autocomplete": "off"}
        self.chosen = {str(getattr(key, "pk", key)) for key in (self["credentials"].value() or [])}

    def saved(self) -> RetentionRule:
        """The rule, changed by this user and not approved yet; for a valid form."""
        rule: RetentionRule = self.instance
        names = ("name", "query", "age_days", "action", "reason", "every_hours")
        with transaction.atomic():  # nobody approves half of it
            rule.change(author=self.user, **{name: self.cleaned_data[name] for name in names})
            rule.credentials.set(self.cleaned_data["credentials"])
        return rule


class ErasureRequestForm(MetadataRowsForm):
    """The pairs that identify an end user, and a reference."""

    reference = forms.CharField(
        max_length=200, error_messages={"required": "Enter a reference, such as the number of a ticket."}
    )

    def __init__(
        self, data: QueryDict | None = None, *, user: User | None = None, draft: QueryDict | None = None
    ) -> None:
        super().__init__(data, user=user, draft=draft)
        self.user = user
        self.metadata = MetadataRows([PairRow()])
        if self.typed is not None:
            self.read_rows(self.typed)

    def act(self, do: str) -> bool:
        """Carry out a button that only changes rows; False if `do` is another one."""
        if do == "fill":
            self.fill_from_json()
        return do == "fill" or self.metadata.act(do)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned["pairs"] = list(self.clean_rows().items())
        if not cleaned["pairs"] and not self.has_row_errors:
            self.metadata.errors.append("Enter at least one pair, such as user_id and 48213.")
        if self.has_row_errors:
            self.add_error(None, "Nothing was looked for. Correct the marked rows.")
        elif self.user is None or not Credential.objects.visible_to(self.user).exists():
            self.add_error(None, "There’s no credential that you can use, so there’s nothing to look through.")
        return cleaned
