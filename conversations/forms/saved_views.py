"""The form of a saved view: its name, who may see it, and its search."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import QueryDict

from ..models import SavedView, Team
from ..models.keys import as_key
from ..models.saved_view import credentials_named, teams_of
from ..query import Query
from ..query.clauses import quoted

MAX_QUERY_STRING_LENGTH = 4000  # characters: a server reads a request line of some 4,000


@dataclass(frozen=True)
class Offer:
    """A search to save: the list's query string, and the query in it, with its problems for the owner."""

    query_string: str
    query: Query


class TeamChoiceField(forms.ModelChoiceField):
    """The team that a view is shared with."""

    def to_python(self, value: Any) -> Team | None:
        if value and as_key(value) is None:
            raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        team: Team | None = super().to_python(value)
        return team

    def label_from_instance(self, team: Team) -> str:
        return f"Shared with {team.name}"


class SavedViewForm(forms.ModelForm):
    """A search under a name. A new view gets the offered search; an existing one only if its owner ticks that."""

    replace = forms.BooleanField(required=False)

    class Meta:
        model = SavedView
        fields = ["name", "team"]
        error_messages = {
            "name": {
                "required": "Enter a name.",
                "max_length": "The name has %(show_value)d characters. Shorten it to %(limit_value)d.",
            }
        }

    def __init__(
        self, data: QueryDict | None = None, *, owner: User, view: SavedView | None = None, offer: Offer | None = None
    ) -> None:
        """`view`: the owner's view to edit; without one, a new view is made from `offer`."""
        super().__init__(data, instance=view or SavedView(owner=owner))
        self.offer, self.is_new = offer, view is None
        self.fields["name"].widget.attrs = {"dir": "auto", "autocomplete": "off"}
        self.fields["team"] = TeamChoiceField(
            teams_of(owner),
            required=False,
            empty_label="Private (only you)",
            error_messages={"invalid_choice": "Choose one of your teams."},
        )
        self.left_team = self._left_team()

    def _left_team(self) -> Team | None:
        """The team that it is shared with, if the owner has left it and so can't choose it."""
        team = self.instance.team
        return team if team is not None and not teams_of(self.instance.owner).contains(team) else None

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not any(character.isprintable() and not character.isspace() for character in name):
            raise forms.ValidationError("Enter a name with visible characters.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        taken = self.offer if self.is_new or cleaned.get("replace") else None
        if taken is not None:
            self._refuse_problems(taken)
        named = credentials_named(taken.query) if taken is not None else self.instance.credential_names
        self._refuse_foreign_credentials(named, cleaned.get("team"))
        return {**cleaned, "taken": taken}

    def _refuse_problems(self, offer: Offer) -> None:
        if offer.query.problems:
            self.add_error(None, "Nothing was saved. Correct the search first, as described below.")
        if len(offer.query_string) > MAX_QUERY_STRING_LENGTH:
            self.add_error(None, "Nothing was saved. The search is too long. Drop some of its search terms.")

    def _refuse_foreign_credentials(self, named: set[str], team: Team | None) -> None:
        """A shared view may only name credentials of its team (R23)."""
        if team is None:
            return
        for name in sorted(named - set(team.credential_set.values_list("name", flat=True))):
            self.add_error(
                "team",
                f"The search names the credential “{name}”, which {team.name} can’t use. Keep the view private, or "
                f"drop credential:{quoted(name)} from its search.",
            )

    def saved(self) -> SavedView | None:
        """The saved view, also if the same form saved it before; None if the form is invalid."""
        if not self.is_valid():
            return None
        try:
            with transaction.atomic():
                return self.save()
        except IntegrityError:
            namesake = SavedView.objects.owned_by(self.instance.owner).called(self.cleaned_data["name"])
            if namesake is None:
                raise
        # A double click sends the form twice: the second one finds its own view.
        if self.is_new and self._made(namesake):
            return namesake
        self.add_error("name", "You already have a view with this name. Choose another one.")
        return None

    def _made(self, view: SavedView) -> bool:
        offer: Offer = self.cleaned_data["taken"]
        return view.query_string == offer.query_string and view.team == self.cleaned_data["team"]

    def save(self, commit: bool = True) -> SavedView:
        view: SavedView = super().save(commit=False)
        taken: Offer | None = self.cleaned_data["taken"]
        if taken is None:
            view.save()
        else:
            view.store(query_string=taken.query_string, query=taken.query)
        return view
