"""What tests of people have in common: the pages as somebody uses them."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.http import HttpResponse
from django.test import Client as Browser

from conversations.models import Team
from tests.html import Form, form_in

ELSEWHERE = "Elsewhere"


def url_of(person: User, verb: str = "") -> str:
    return f"/people/{person.pk}/{f'{verb}/' if verb else ''}"


def role(name: str) -> str:
    """The value of a role's radio button."""
    return str(Group.objects.get(name=name).pk)


def form_of(browser: Browser, person: User) -> Form:
    """The form on the person's page, filled as it is."""
    return form_in(browser.get(url_of(person)), "full_name")


def send(browser: Browser, person: User, **fields: Any) -> HttpResponse:
    """Send the form on the person's page with these fields instead of what stands in them."""
    form = form_of(browser, person)
    for name, values in fields.items():
        form.put(name, *([values] if isinstance(values, str) else values))
    response: HttpResponse = form.send(browser, url_of(person))
    return response


def groups_of(person: User) -> set[str]:
    return set(person.groups.values_list("name", flat=True))


def rights_of(person: User) -> tuple[Any, ...]:
    """All that says what somebody may do, to be compared."""
    person.refresh_from_db()
    return groups_of(person), person.is_staff, person.is_superuser, person.is_active, person.password


def invitation(
    name: str = "mira", *, role_name: str = "Viewer", teams: tuple[Team, ...] = (), **more: str
) -> dict[str, Any]:
    """The fields of an invitation."""
    keys = [str(team.pk) for team in teams]
    return {"username": name, "full_name": "", "email": "", "role": role(role_name), "teams": keys, **more}
