"""What two people do to each other, or two requests with one link, at the same time."""

from functools import partial

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from conversations.models.join_link import accept_link, person_of_link
from conversations.models.person import people
from conversations.services.errors import ServiceError
from conversations.services.people import deactivate_person, make_link
from tests.factories import in_threads, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def make_superuser(name: str) -> User:
    return make_user(name, role=None, is_superuser=True)


def test_two_superusers_who_deactivate_each_other_leave_one() -> None:
    one, other = make_superuser("one"), make_superuser("other")
    results = in_threads(
        partial(deactivate_person, actor=one, person=other), partial(deactivate_person, actor=other, person=one)
    )
    assert people().active_superusers().count() == 1
    assert [type(result) for result in results if result != 0] == [ServiceError]


def test_a_link_that_is_used_twice_at_once_works_once() -> None:
    parts = make_link(actor=make_superuser("one"), person=make_user("invited"))
    passwords = [make_password(f"a long phrase {number}") for number in range(2)]
    first, second = (person_of_link(**parts) for _ in passwords)
    assert first
    assert second
    results = in_threads(partial(accept_link, first, passwords[0]), partial(accept_link, second, passwords[1]))
    assert sorted(results) == [False, True]
    assert User.objects.get(username="invited").password == passwords[results.index(True)]
