"""The form of a saved view: its name, who may see it, and the search that it takes over."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import QueryDict

from ..models import SavedView, Team
from ..models.saved_view import credentials_named, teams_of
from ..query import Query
from ..query.clauses import quoted

LONGEST_QUERY_STRING = 4000  # characters: a server reads a request line of some 4,000
MOST_DIGITS = 9


@dataclass(frozen=True)
class Offer:
    """A search to be kept: the list's query string, and what of it can be answered to the owner, with problems."""

    query_string: str
    query: Query


class TeamChoiceField(forms.ModelChoiceField):
    """With whom a view is shared."""

    def to_python(self, value: Any) -> Team | None:
        if value and len(value) > MOST_DIGITS:  # more than a database takes for a number
            raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        team: Team | None = super().to_python(value)
        return team

    def label_from_instance(self, team: Team) -> str:
        return f"Shared with {team.name}"


class SavedViewForm(forms.ModelForm):
    """A search under a name. A new view takes the offered search, one that exists only where that is asked for."""

    replace = forms.BooleanField(required=False)

    class Meta:
        model = SavedView
        fields = ["name", "team"]
        error_messages = {
            "name": {
                "required": "Give it a name.",
                "max_length": "A name has up to %(limit_value)d characters; this one has %(show_value)d.",
            }
        }

    def __init__(
        self, data: QueryDict | None = None, *, owner: User, view: SavedView | None = None, offer: Offer | None = None
    ) -> None:
        """`view`: the one that is edited, of this owner's; without one, `offer` makes a new one."""
        super().__init__(data, instance=view or SavedView(owner=owner))
        self.offer, self.is_new = offer, view is None
        self.fields["name"].widget.attrs = {"dir": "auto", "autocomplete": "off"}
        self.fields["team"] = TeamChoiceField(
            teams_of(owner),
            required=False,
            empty_label="Private: only you",
            error_messages={"invalid_choice": "Choose a team that you are in."},
        )
        self.left_team = self._left_team()

    def _left_team(self) -> Team | None:
        """The team that it is shared with, where the owner is no member any more, and so cannot choose it."""
        team = self.instance.team
        return team if team is not None and not teams_of(self.instance.owner).contains(team) else None

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not any(character.isprintable() and not character.isspace() for character in name):
            raise forms.ValidationError("Give it a name that can be seen.")
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
            self.add_error(None, "Nothing was saved: correct the search first, as it says below.")
        if len(offer.query_string) > LONGEST_QUERY_STRING:
            self.add_error(None, "Nothing was saved: the search is too long to be kept. Drop some of its terms.")

    def _refuse_foreign_credentials(self, named: set[str], team: Team | None) -> None:
        """A view that is shared names credentials of its team only (R23), all of which its owner may use."""
        if team is None:
            return
        for name in sorted(named - set(team.credential_set.values_list("name", flat=True))):
            self.add_error(
                "team",
                f"The search names the credential “{name}”, which does not belong to {team.name}. Keep the view "
                f"private, or drop credential:{quoted(name)} from its search.",
            )

    def saved(self) -> SavedView | None:
        """The view as it is stored, also where the same form made it before; None if something is wrong with it."""
        if not self.is_valid():
            return None
        try:
            with transaction.atomic():
                return self.save()
        except IntegrityError:
            namesake = SavedView.objects.owned_by(self.instance.owner).called(self.cleaned_data["name"])
            if namesake is None:
                raise
        if self.is_new and self._made(namesake):
            return namesake
        self.add_error("name", "You have a view of this name already. Choose another name.")
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
