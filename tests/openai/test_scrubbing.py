"""R15: a key that a server echoes is removed from its response, however it's spelled."""

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from conversations.models import Credential, EventDetail, Term
from conversations.openai import errors
from conversations.openai.scrubbing import SCRUBBED, Scrubber
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import create_conversation, get_conversation
from conversations.services.items import list_items
from tests.factories import KEY, make_known

UNICODE = "".join(f"\\u{ord(character):04x}" for character in KEY)
MIXED = "".join(f"\\u{ord(each):04x}" if place % 2 else each for place, each in enumerate(KEY))
SPELLINGS = {
    "plain": KEY,
    "base64": b64encode(KEY.encode()).decode(),
    "base64 for URLs": urlsafe_b64encode(KEY.encode()).decode(),
    "base64 of a longer text": b64encode(f"user:{KEY}@host".encode()).decode(),
    "base64 of the header": b64encode(f"Bearer {KEY}".encode()).decode(),
    "percent": "".join(f"%{code:02X}" for code in KEY.encode()),
    "URL": quote(f"{KEY}/", safe=""),
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_each_spelling_of_a_key_is_taken_out(text: str) -> None:
    scrubbed = Scrubber([KEY]).text(f"before {text} after")
    assert SCRUBBED in scrubbed
    assert KEY[6:-6] not in scrubbed
    assert b64encode(KEY.encode()).decode()[4:-8] not in scrubbed


def test_keys_of_maps_are_scrubbed_too() -> None:
    assert Scrubber([KEY]).value({KEY: [{"a": KEY}]}, is_data=True) == {SCRUBBED: [{"a": SCRUBBED}]}


def test_a_short_secret_stays_in_data_and_goes_from_errors() -> None:
    scrubber = Scrubber(["production"])
    assert scrubber.value({"env": "production"}, is_data=True) == {"env": "production"}
    assert scrubber.value("production", is_data=False) == SCRUBBED


def test_without_secrets_everything_stays() -> None:
    assert Scrubber([]).text("anything") == "anything"


@given(st.text(max_size=20), st.text(max_size=20))
def test_the_base64_of_a_key_within_any_text_does_not_give_it_away(before: str, after: str) -> None:
    encoded = b64encode(f"{before}{KEY}{after}".encode(errors="replace")).decode()
    assert SCRUBBED in Scrubber([KEY]).text(encoded)


@pytest.mark.django_db
@pytest.mark.parametrize("spelling", [UNICODE, MIXED])
def test_a_key_that_a_200_spells_with_escapes_is_stored_nowhere(
    operator: User, credential: Credential, sandbox: Sandbox, spelling: str
) -> None:
    body = f'{{"id": "conv_1", "metadata": {{"{spelling}": "x", "echo": "{spelling}"}}}}'
    sandbox.faults.add(Fault(body=body, times=None))
    row = get_conversation(actor=operator, credential=credential, openai_id="conv_1")
    kept = [row.metadata, *Term.objects.values_list("key", "value"), *EventDetail.objects.values_list("after")]
    assert KEY not in repr(kept)
    assert row.metadata == {SCRUBBED: "x", "echo": SCRUBBED}


@pytest.mark.django_db
def test_a_key_that_an_item_spells_with_escapes_is_not_shown(credential: Credential, sandbox: Sandbox) -> None:
    known = make_known(sandbox, credential)
    body = f'{{"data": [{{"id": "a", "content": "{MIXED}"}}], "has_more": false}}'
    sandbox.faults.add(Fault(body=body))
    assert KEY not in repr(list_items(conversation=known).items)


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_a_response_that_is_not_utf_8_is_refused_without_the_key(
    operator: User, credential: Credential, sandbox: Sandbox, encoding: str
) -> None:
    content: dict[str, Any] = {"id": "conv_1", "metadata": {"echo": KEY}}
    sandbox.faults.add(Fault(body=json.dumps(content).encode(encoding)))
    with pytest.raises(errors.BadResponse) as caught:
        create_conversation(actor=operator, credential=credential, items=[], metadata={})
    assert KEY not in repr([caught.value.message, *EventDetail.objects.values()])


@pytest.mark.django_db
def test_a_key_at_the_end_of_a_long_page_is_not_cut_in_half(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(status=400, body="x" * 280 + KEY))
    with pytest.raises(errors.InvalidRequest) as caught:
        create_conversation(actor=operator, credential=credential, items=[], metadata={})
    assert KEY[:12] not in caught.value.message
