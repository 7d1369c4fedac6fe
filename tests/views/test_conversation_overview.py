"""Filters, numbers and dates beside the list, as a page of their own and as what the list loads."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Credential
from tests.factories import CREATED_AT, make_conversation
from tests.html import everything, fragment, is_page, text_of

OVERVIEW = "/conversations/overview/"
VALUES = "/conversations/values/"
COMPLETION = "/conversations/completion/"


@pytest.fixture(autouse=True)
def indexed(credential: Credential) -> Conversation:
    make_conversation(credential, {"tenant": "globex", "env": "prod"})
    return make_conversation(credential, {"tenant": "acme", "env": "prod"}, openai_id="conv_first")


def test_is_a_page_of_its_own(as_operator: Browser) -> None:
    response = as_operator.get(OVERVIEW, {"q": "tenant:acme"})
    assert is_page(response)
    assert "1 found" in text_of(response)


def test_serves_itself_alone_with_the_number_to_swap(as_operator: Browser) -> None:
    response = as_operator.get(OVERVIEW, headers=fragment("overview"))
    assert not is_page(response)
    assert 'id="number" class="muted number" hx-swap-oob="true">2 found' in text_of(response)


def test_serves_an_exact_number_alone(as_operator: Browser) -> None:
    response = as_operator.get(OVERVIEW, {"q": "tenant:acme", "count": "all"}, headers=fragment("number"))
    assert text_of(response).strip() == '<span id="number" class="muted number">1 found</span>'


@pytest.mark.parametrize("url", [OVERVIEW, f"{OVERVIEW}?count=all", f"{VALUES}?key=tenant", f"{COMPLETION}?q=t&at=1"])
def test_a_get_changes_nothing_r3(as_operator: Browser, url: str) -> None:
    before = everything()
    assert as_operator.get(url).status_code == 200
    assert everything() == before


@pytest.mark.long
@pytest.mark.parametrize("text", ["\0", "\ud7ff", "(((", "created:99999999999d", "a" * 3000, "-", '"', "credential:x"])
@pytest.mark.parametrize("url", [OVERVIEW, VALUES, COMPLETION])
def test_takes_any_text(as_operator: Browser, url: str, text: str) -> None:
    assert as_operator.get(url, {"q": text, "key": text, "find": text, "at": text}).status_code == 200
    assert as_operator.get(url, {"q": f"tenant:{text}", "key": "tenant", "find": text}).status_code == 200


def test_a_value_is_a_link_that_adds_its_term_and_a_chosen_one_takes_it_away(as_operator: Browser) -> None:
    text = text_of(as_operator.get(OVERVIEW, {"q": "env:prod"}))
    assert 'href="/conversations/?q=env%3Aprod+tenant%3Aacme"' in text
    assert 'href="/conversations/?q=" aria-current="true"' in text


def test_a_term_s_other_values_are_counted_as_if_it_were_not_there(as_operator: Browser) -> None:
    text = text_of(as_operator.get(OVERVIEW, {"q": "tenant:acme"}))
    assert 'href="/conversations/?q=tenant%3Aacme%2Cglobex"' in text


def test_a_bar_leads_to_its_day(as_operator: Browser) -> None:
    text = text_of(as_operator.get(OVERVIEW, {"q": "tenant:acme created:2026"}))
    assert 'href="/conversations/?q=tenant%3Aacme+created%3A2026-05-01"' in text


def test_shows_the_rest_under_a_notice_where_a_term_is_not_understood_r24(as_operator: Browser) -> None:
    assert "<code>state:lost</code> is ignored." in text_of(as_operator.get(OVERVIEW, {"q": "state:lost"}))


def test_asks_as_many_queries_however_many_rows_there_are(as_operator: Browser, credential: Credential) -> None:
    counts = []
    for more in (2, 40):
        for _ in range(more):
            make_conversation(credential, {"tenant": "acme", "env": "prod"})
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(OVERVIEW, {"q": "env:prod"})
        counts.append(len(queries))
    assert counts[0] == counts[1]


# All values of a key


def test_lists_the_frequent_values_of_a_key(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential, {"tenant": "acme"})
    response = as_operator.get(VALUES, {"key": "tenant", "q": "env:prod"})
    assert is_page(response)
    assert 'href="/conversations/?q=env%3Aprod+tenant%3Aacme"' in text_of(response)
    assert "globex" not in text_of(response)


def test_values_of_no_key_are_those_of_the_frequent_ones(as_operator: Browser) -> None:
    response = as_operator.get(VALUES, {"q": "env:prod"})
    assert response["Location"] == f"{OVERVIEW}?q=env%3Aprod"


def test_finds_values_by_a_part_without_case(as_operator: Browser) -> None:
    response = as_operator.get(VALUES, {"key": "tenant", "find": "LOBE"}, headers=fragment("values"))
    assert not is_page(response)
    assert ">globex<" in text_of(response)
    assert ">acme<" not in text_of(response)


def test_says_where_no_value_is_found_and_keeps_what_was_typed(as_operator: Browser) -> None:
    text = text_of(as_operator.get(VALUES, {"key": "tenant", "find": "<zz>"}))
    assert "No value contains “&lt;zz&gt;”." in text
    assert 'value="&lt;zz&gt;"' in text


# Completion


def test_offers_what_the_box_can_be_completed_to(as_operator: Browser) -> None:
    text = text_of(as_operator.get(COMPLETION, {"q": "tenant:gl", "at": "9"}))
    assert 'data-text="tenant:globex " data-caret="14"' in text
    assert 'role="option"' in text


def test_a_conversation_s_page_knows_its_neighbours_in_the_result(
    as_operator: Browser, credential: Credential, indexed: Conversation
) -> None:
    other = make_conversation(credential, {"tenant": "acme"})
    lower, upper = sorted([indexed, other], key=lambda row: row.sort_key)
    text = text_of(as_operator.get(f"{upper.get_absolute_url()}?q=tenant%3Aacme"))
    assert f'href="{lower.get_absolute_url()}?q=tenant%3Aacme&amp;before={lower.sort_key + 1}" rel="next"' in text
    assert 'rel="prev"' not in text
    turned = text_of(as_operator.get(f"{upper.get_absolute_url()}?q=tenant%3Aacme&order=oldest"))
    assert 'rel="next"' not in turned
    assert f'order=oldest&amp;after={lower.sort_key - 1}" rel="prev"' in turned


def test_labels_stand_under_their_bars(as_operator: Browser, credential: Credential) -> None:
    for days in range(30):
        make_conversation(credential, created_at=CREATED_AT + timedelta(days=days))
    labels = re.findall(r'<text x="([\d.]+)%" y="14" text-anchor="(\w+)">([^<]+)', text_of(as_operator.get(OVERVIEW)))
    day = CREATED_AT + timedelta(days=6)
    assert labels[0] == ("0.00", "start", f"{CREATED_AT:%-d} {CREATED_AT:%b}")
    assert labels[1] == (f"{100 * 6.5 / 30:.2f}", "middle", f"{day:%-d} {day:%b}")
    assert labels[-1][:2] == ("100.00", "end")
