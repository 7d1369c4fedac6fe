"""Forms of people and teams. What one may not give isn't among the choices, so a form that was tampered with is
invalid."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.http import QueryDict

from ..models import Team
from ..models.keys import as_keys
from ..models.person import is_role, people, problem_with_ending, roles_to_give, teams_to_give
from ..roles import ROLES, SUMMARIES
from .accounts import MAX_NAME_LENGTH, ShortUsernameField

SEVERAL = "several"  # the choice that keeps several roles
NO_ROLE = "none"
FLAGS = ("is_superuser", "is_staff")


@dataclass(frozen=True)
class Option:
    """A radio button or checkbox."""

    value: str
    label: str
    help: str
    is_chosen: bool


class SearchForm(forms.Form):
    """A part of a name or of an e-mail address."""

    q = forms.CharField(required=False, max_length=MAX_NAME_LENGTH)

    @property
    def text(self) -> str:
        """What is looked for; "" where it can't be."""
        return self.cleaned_data["q"] if self.is_valid() else ""


class PersonForm(forms.Form):
    """A person's name, e-mail address, role and teams: those fields that this user may change."""

    full_name = forms.CharField(required=False, max_length=MAX_NAME_LENGTH)
    email = forms.EmailField(label="E-mail address", required=False, max_length=254)
    role = forms.ChoiceField(
        error_messages={"required": "Choose a role.", "invalid_choice": "You can’t give that role. Choose another one."}
    )
    teams = forms.MultipleChoiceField(
        required=False, error_messages={"invalid_choice": "You can’t put anybody into that team."}
    )
    is_superuser = forms.BooleanField(required=False)
    is_staff = forms.BooleanField(required=False)

    def __init__(self, data: QueryDict | None = None, *, user: User, person: User | None = None) -> None:
        super().__init__(data, initial=_initial(person) if person else None)
        self.person = person
        self.roles_to_give = {str(role.pk): role for role in in_order(roles_to_give(user))}
        self.teams_to_give = {str(team.pk): team for team in teams_to_give(user)}
        self.kept_roles = list(filter(is_role, person.groups.all())) if person else []
        self.fields["role"].choices = [(each.value, each.label) for each in self._roles()]  # type: ignore[attr-defined]
        self.fields["teams"].choices = [(key, team.name) for key, team in self.teams_to_give.items()]  # type: ignore[attr-defined]
        for name in self._refused(user):
            del self.fields[name]
        for name in ("full_name", "email"):
            self.fields[name].widget.attrs = {"autocomplete": "off", "dir": "auto"}

    def clean_full_name(self) -> str:
        return " ".join(self.cleaned_data["full_name"].split())

    def role_options(self) -> list[Option]:
        """The radio buttons of the role."""
        return self._roles(self["role"].value())

    def team_options(self) -> list[Option]:
        """The boxes of the teams."""
        chosen = self["teams"].value() or []
        return [Option(key, team.name, "", key in chosen) for key, team in self.teams_to_give.items()]

    def changes(self) -> dict[str, Any]:
        """What the form says, for a valid one; None for what it doesn't change."""
        cleaned = self.cleaned_data
        flags = {name: cleaned[name] for name in FLAGS if name in cleaned}
        return {
            "full_name": cleaned["full_name"],
            "email": cleaned["email"],
            "roles": self._chosen_roles(),
            "teams": [self.teams_to_give[key] for key in cleaned["teams"]] if "teams" in cleaned else None,
            "flags": flags or None,
        }

    def _refused(self, user: User) -> set[str]:
        refused = set() if user.is_superuser and self.person else {*FLAGS}
        if self.person is not None and problem_with_ending(user, self.person):
            refused |= {"role", *FLAGS}
            refused |= set() if user.is_superuser else {"teams"}
        return refused

    def _roles(self, chosen: str | None = None) -> list[Option]:
        options = [Option(key, role.name, summary_of(role), key == chosen) for key, role in self.roles_to_give.items()]
        if len(self.kept_roles) > 1:
            kept = " and ".join(role.name for role in self.kept_roles)
            options.insert(0, Option(SEVERAL, f"{kept}, as now", "Any other choice replaces them.", chosen == SEVERAL))
        if self.person is not None:
            options.append(Option(NO_ROLE, "No role", "May sign in and do nothing.", chosen == NO_ROLE))
        return options

    def _chosen_roles(self) -> list[Group] | None:
        key = self.cleaned_data.get("role", SEVERAL)
        if key == SEVERAL:
            return None
        return [] if key == NO_ROLE else [self.roles_to_give[key]]


class InviteForm(PersonForm):
    """Somebody who isn't a user yet. `taken`: who has the user name already, if this user sees them."""

    username = ShortUsernameField(
        label="User name",
        max_length=MAX_NAME_LENGTH,
        validators=[UnicodeUsernameValidator(message="Use letters, digits and @ . + - _ only.")],
        error_messages={"required": "Enter a user name.", "max_length": "A user name has at most 150 characters."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    taken: User | None = None

    def __init__(self, data: QueryDict | None = None, *, user: User) -> None:
        super().__init__(data, user=user)
        self.user = user

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if people().named(name).exists():
            self._refuse_taken(name)
        return name

    def show_taken(self) -> None:
        """Show that somebody took the user name since it was checked."""
        try:
            self._refuse_taken(self.cleaned_data["username"])
        except ValidationError as error:
            self.add_error("username", error)

    def _refuse_taken(self, name: str) -> None:
        self.taken = people().visible_to(self.user).named(name).first()
        raise ValidationError(f"There’s already a user called {name}. Nobody was invited.")


class TeamForm(forms.ModelForm):
    """A team's name."""

    class Meta:
        model = Team
        fields = ["name"]
        error_messages = {
            "name": {"required": "Enter a name.", "unique": "There’s already a team or a role with this name."}
        }
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"})}


class MembersForm(forms.Form):
    """Which of the people that a page shows are members of a team. Everyone else stays as they are."""

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.typed = data

    def keys(self, name: str) -> set[int]:
        """The keys that the form has under a name; what can't be one is left out."""
        return {*as_keys(self.typed.getlist(name))}

    def ticked(self) -> set[int]:
        """Who is to be a member."""
        return self.keys("shown") & self.keys("member")

    def unticked(self) -> set[int]:
        """Who isn't to be a member."""
        return self.keys("shown") - self.keys("member")


def in_order(roles: Iterable[Group]) -> list[Group]:
    """The three roles from the fewest rights to the most, then all others by name."""
    order = {name: number for number, name in enumerate(ROLES)}
    return sorted(roles, key=lambda role: (order.get(role.name, len(order)), role.name))


def summary_of(role: Group) -> str:
    """What somebody with the role may do, in a sentence."""
    return SUMMARIES.get(role.name, "A role of your own. The list of roles says what it allows.")


def _initial(person: User) -> dict[str, Any]:
    groups = list(person.groups.all())
    roles = [str(group.pk) for group in groups if is_role(group)]
    return {
        "full_name": person.get_full_name(),
        "email": person.email,
        "role": SEVERAL if len(roles) > 1 else (roles or [NO_ROLE])[0],
        "teams": [str(group.pk) for group in groups if not is_role(group)],
        **{name: getattr(person, name) for name in FLAGS},
    }
