"""Sessions in which people are signed in. Django keeps each as signed text that only decoding tells the user of."""

from collections import Counter
from collections.abc import Iterable, Iterator

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

MOST_COUNTED = 5_000  # which takes about a fifth of a second


def open_sessions(persons: Iterable[User]) -> Counter[int] | None:
    """How many sessions of each person still work; None if there are too many sessions to count for a page."""
    hashes = {str(person.pk): person.get_session_auth_hash() for person in persons if person.is_active}
    if not hashes:
        return Counter()
    if _unexpired()[MOST_COUNTED : MOST_COUNTED + 1].exists():
        return None
    # A session from before a change of the password doesn't work any more.
    return Counter(int(owner) for _, owner, hashed in _decoded() if hashes.get(owner) == hashed)


def delete_sessions(person: User, *, keep: str = "") -> int:
    """Delete all sessions of a person but the one with the key `keep`; returns how many worked until now."""
    own = [(key, hashed) for key, owner, hashed in _decoded() if owner == str(person.pk) and key != keep]
    for start in range(0, len(own), 500):
        Session.objects.filter(pk__in=[key for key, _ in own[start : start + 500]]).delete()
    current = person.get_session_auth_hash()
    return sum(hashed == current for _, hashed in own) if person.is_active else 0


def _unexpired() -> QuerySet[Session]:
    return Session.objects.filter(expire_date__gt=timezone.now())


def _decoded() -> Iterator[tuple[str, str, str]]:
    """The key of each session in which somebody is signed in, their primary key, and the hash of their password."""
    store = SessionStore()
    for key, data in _unexpired().values_list("session_key", "session_data").iterator():
        content = store.decode(data)
        if SESSION_KEY in content:
            yield key, content[SESSION_KEY], content.get(HASH_SESSION_KEY, "")
