"""Metadata beyond all limits, as other servers keep it: bounded where it is indexed and shown, kept whole."""

import json
import tracemalloc
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.exports.search_results import Export
from conversations.models import Conversation, Credential, Event, Posting, Term
from conversations.models.index.rebuild import differences
from conversations.query import parse
from conversations.sandbox import Fault, Sandbox
from conversations.search import Search
from conversations.services.conversations import get_conversation
from conversations.services.metadata_edit import update_metadata
from tests.factories import make_conversation, make_credential, make_known, metadata_at
from tests.html import form_in, signed_in, text_of

pytestmark = pytest.mark.django_db

MANY = {f"key {number:05}": f"value {number}" for number in range(2_000)}
LONG = {"short": "1", "long": "x" * 100_000}
SEVENTEEN = {f"k{number}": "1" for number in range(17)}


def answered(sandbox: Sandbox, metadata: dict[str, Any]) -> None:
    sandbox.faults.add(Fault(body=json.dumps({"id": "conv_1", "metadata": metadata}), times=None))


def found(user: User, text: str) -> list[str]:
    return [row.openai_id for row in Search.for_user(parse(text), user).page(size=5).rows]


# The index


def test_the_first_keys_are_indexed_and_all_are_kept(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    answered(sandbox, MANY)
    row = get_conversation(actor=operator, credential=credential, openai_id="conv_1")
    assert row.metadata == MANY
    assert Posting.objects.count() == 2 * 64 + 1
    assert found(operator, '"key 00063":"value 63"') == ["conv_1"]
    assert found(operator, '"key 00064":"value 64"') == found(operator, 'has:"key 00064"') == []
    assert list(differences()) == []


def test_of_a_long_value_the_key_is_indexed(operator: User, credential: Credential) -> None:
    row = make_conversation(credential, LONG)
    assert not Term.objects.filter(key="long", value__isnull=False).exists()
    assert found(operator, "has:long") == found(operator, "short:1") == [row.openai_id]
    assert found(operator, "long:~xxx") == []
    assert list(differences()) == []


def test_an_event_keeps_the_names_of_the_first_keys(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    answered(sandbox, MANY)
    get_conversation(actor=operator, credential=credential, openai_id="conv_1")
    names = Event.objects.get().keys["added"]
    assert (len(names), names[0], names[-1]) == (65, "key 00000", "… and 1,936 more")


def test_an_event_keeps_no_values_that_no_page_could_hold(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    answered(sandbox, {"a": "x" * 400_000})
    get_conversation(actor=operator, credential=credential, openai_id="conv_1")
    assert Event.objects.get().compared == []


# Pages


@pytest.mark.parametrize("metadata", [MANY, LONG])
def test_the_page_of_a_conversation_stays_small_and_leads_to_the_rest(
    as_operator: Browser, credential: Credential, metadata: dict[str, str]
) -> None:
    row = make_conversation(credential, metadata)
    text = text_of(as_operator.get(row.get_absolute_url()))
    assert len(text) < 60_000
    file = as_operator.get(f"{row.get_absolute_url()}conversation.json")
    assert (file.json()["metadata"], "attachment" in file["Content-Disposition"]) == (metadata, True)
    assert f'href="{row.get_absolute_url()}conversation.json"' in text


def test_the_list_stays_small(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential, {"k" * 5_000: "v" * 5_000, **MANY})
    assert len(text_of(as_operator.get("/conversations/"))) < 20_000


def test_the_edit_form_of_a_large_map_stays_small(as_operator: Browser, credential: Credential) -> None:
    row = make_conversation(credential, {**MANY, **LONG})
    text = text_of(as_operator.get(f"{row.get_absolute_url()}metadata/"))
    assert len(text) < 150_000
    assert "1,938 more pairs can’t be shown here and stay unchanged." in text


# Editing


def edited(browser: Browser, row: Conversation, **fields: tuple[str, ...]) -> Any:
    url = f"{row.get_absolute_url()}metadata/"
    form = form_in(browser.get(url), "opened_with")
    for name, values in fields.items():
        form.fill(name, *values)
    return form.send(browser, url, "save")


def test_pairs_without_a_row_stay_as_they_are(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    row = make_known(sandbox, credential, {"first": "1", **MANY})
    sandbox.faults.add(Fault(method="POST", body=json.dumps({"id": row.openai_id, "metadata": {"first": "2", **MANY}})))
    assert edited(as_operator, row, value=("2",)).status_code == 302
    assert [entry.body["metadata"] for entry in sandbox.log if entry.method == "POST"] == [{"first": "2", **MANY}]


def test_a_key_that_stands_among_the_pairs_without_a_row_is_refused(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    row = make_known(sandbox, credential, MANY)
    response = edited(as_operator, row, key=("key 01999",))
    assert response.status_code == 422
    assert "One of the pairs that aren’t shown here already has the key" in text_of(response)


def test_a_large_map_that_changed_since_the_form_was_opened_is_told(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    row = make_known(sandbox, credential, {"a": "1", "long": "x" * 70_000})
    url = f"{row.get_absolute_url()}metadata/"
    form = form_in(as_operator.get(url), "opened_with")
    row.store_response({"a": "2", "long": "x" * 70_000}, is_own_change=True)
    response = form.send(as_operator, url, "save")
    assert (response.status_code, "Reload the page" in text_of(response)) == (422, True)


def test_more_than_sixteen_pairs_can_be_edited(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    row = make_known(sandbox, credential, SEVENTEEN)
    sandbox.faults.add(Fault(method="POST", body=json.dumps({"id": row.openai_id, "metadata": SEVENTEEN})))
    assert edited(as_operator, row, value=("changed",)).status_code == 302


def test_of_more_than_sixteen_pairs_one_can_be_removed(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    row = make_known(sandbox, credential, SEVENTEEN)
    left = {key: value for key, value in SEVENTEEN.items() if key != "k3"}
    sandbox.faults.add(Fault(method="POST", body=json.dumps({"id": row.openai_id, "metadata": left})))
    update_metadata(actor=operator, conversation=row, opened_with=SEVENTEEN, requested=left)
    row.refresh_from_db()
    assert row.metadata == left


def test_an_increase_beyond_sixteen_is_refused(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    row = make_known(sandbox, credential, SEVENTEEN)
    url = f"{row.get_absolute_url()}metadata/"
    form = form_in(as_operator.get(url), "opened_with")
    form.put("key", *SEVENTEEN, "one more").put("value", *["1"] * 18).put("stored", *[""] * 18)
    response = form.send(as_operator, url, "save")
    assert (response.status_code, metadata_at(sandbox, row.openai_id)) == (422, SEVENTEEN)


# Keys that the server keeps


def test_keys_that_the_server_would_not_let_go_can_be_set_to_the_empty_text(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    row = make_known(sandbox, credential, {"a": "1", "b/c": "2"})
    sandbox.faults.add(Fault(method="POST", skip=1, status=400))
    url = f"{row.get_absolute_url()}metadata/"
    form = form_in(as_operator.get(url), "opened_with").put("key", "a").put("value", "1").put("stored", '"a"')
    told = form.send(as_operator, url, "save", follow=True)
    assert "The server kept 1 key that you removed." in text_of(told)
    assert 'metadata/?blank=b%2Fc"' in text_of(told)
    blank = form_in(as_operator.get(f"{url}?blank=b%2Fc"), "opened_with")
    assert (blank.values("key"), blank.values("value")) == (["a", "b/c"], ["1", ""])


# Look-alikes


def test_keys_that_look_alike_are_told_apart(as_operator: Browser, credential: Credential) -> None:
    row = make_conversation(credential, {"tenant": "1", "tenant\u200b": "2", " tenant": "3", "x": "a\u202eb"})
    for url in (row.get_absolute_url(), "/conversations/", "/conversations/overview/"):
        text = text_of(as_operator.get(url))
        assert 'data-name="ZWSP"' in text, url
        assert 'data-name="SP"' in text, url
    assert 'data-name="U+202E"' in text_of(as_operator.get(row.get_absolute_url()))


def test_completion_tells_look_alikes_apart(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential, {"tenant": "a\u200b"})
    text = text_of(as_operator.get("/conversations/completion/", {"q": "tenant:", "at": "7"}))
    assert 'data-name="ZWSP"' in text


# Many of them


def memory_of(work: Any) -> int:
    """The most bytes that it takes at once."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.long
def test_lists_and_files_of_many_large_maps_hold_one_at_a_time(client: Browser, superuser: User) -> None:
    credential = make_credential()
    for _ in range(20):
        make_conversation(credential, {"long": "x" * 500_000})
    browser = signed_in(client, superuser)
    pages = ("/conversations/", "/conversations/overview/", "/conversations/?q=long:~y", "/conversations/?q=-long:~x")
    for url in (*pages, "/admin/conversations/conversation/"):
        assert memory_of(lambda url=url: browser.get(url)) < 2_500_000, url
    for format_ in ("csv", "json", "jsonl"):
        search = Search.for_user(parse(""), superuser)
        assert memory_of(lambda search=search, as_=format_: sum(map(len, Export(search, as_).chunks()))) < 6_000_000


def test_the_list_says_which_metadata_is_too_large_for_it(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential, {"long": "x" * 30_000})
    make_conversation(credential, {"short": "1"})
    text = text_of(as_operator.get("/conversations/"))
    assert text.count("too large for the list") == 1
    assert "short" in text
