"""The list of conversations."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.models import Conversation, Credential, SavedView, State
from conversations.services.holds import place_hold
from tests.factories import make_conversation, make_credential, make_team
from tests.html import everything, fragment, is_page, signed_in, text_of
from tests.services.odd import erased

LIST = "/conversations/"


@pytest.fixture
def indexed(credential: Credential) -> Conversation:
    return make_conversation(credential, {"tenant": "acme"}, openai_id="conv_first")


def ids(response: object) -> list[str]:
    """The ids that the page lists."""
    return [row.openai_id for row in response.context_data["page"].rows]  # type: ignore[attr-defined]


def test_shows_the_conversations_newest_first(as_operator: Browser, indexed: Conversation) -> None:
    response = as_operator.get(LIST)
    assert is_page(response)
    assert "conv_first" in text_of(response)


def test_serves_its_results_alone_to_htmx(as_operator: Browser, indexed: Conversation) -> None:
    response = as_operator.get(LIST, headers=fragment("results"))
    assert response.template_name == "conversations/conversation_list.html#results"
    assert not is_page(response)


def test_serves_the_whole_page_for_a_part_that_is_not_listed(as_operator: Browser) -> None:
    assert is_page(as_operator.get(LIST, headers=fragment("body")))


def test_shows_a_stranger_nothing_of_another_team_r23(client: Browser, stranger: User, indexed: Conversation) -> None:
    response = signed_in(client, stranger).get(LIST, {"q": "tenant:acme"})
    assert ids(response) == []
    assert str(response.context_data["number"]) == "0"


def test_a_superuser_sees_all_r23(client: Browser, superuser: User, indexed: Conversation) -> None:
    assert ids(signed_in(client, superuser).get(LIST)) == ["conv_first"]


def test_a_get_changes_nothing_r3(as_operator: Browser, indexed: Conversation) -> None:
    before = everything()
    as_operator.get(LIST, {"q": "tenant:acme"})
    assert everything() == before


def test_opens_without_the_removed_as_a_chip_that_can_be_dropped_r4(
    as_operator: Browser, credential: Credential, indexed: Conversation
) -> None:
    make_conversation(credential, openai_id="conv_gone", state=State.REMOVED)
    response = as_operator.get(LIST)
    assert ids(response) == ["conv_first"]
    [chip] = response.context_data["state"].chips
    assert len(ids(as_operator.get(LIST + chip.without))) == 2


def test_shows_the_rest_under_a_notice_where_a_term_is_not_understood_r24(
    as_operator: Browser, indexed: Conversation
) -> None:
    response = as_operator.get(LIST, {"q": "state:lost tenant:acme"})
    assert ids(response) == ["conv_first"]
    assert "<code>state:lost</code> is ignored." in text_of(response)


def test_keeps_the_text_of_a_search_as_it_was_typed(as_operator: Browser) -> None:
    response = as_operator.get(LIST, {"q": '  state:lost "<b>'})
    assert 'value="  state:lost &quot;&lt;b&gt;"' in text_of(response)


def test_an_unknown_credential_names_only_ones_own_r23(as_operator: Browser, credential: Credential) -> None:
    make_credential(name="Secret project", teams=[make_team("Elsewhere")])
    said = []
    for name in ("Secret project", "No such one"):
        response = as_operator.get(LIST, {"q": f'credential:"{name}"'})
        [problem] = response.context_data["state"].query.problems
        said.append(problem.message.replace(name, "…"))
    assert said == ["There’s no credential “…”. Yours are: Sandbox."] * 2


@pytest.mark.parametrize("text", ["\0", "\ud7ff", "(((", "created:99999999999d", "a" * 3000, "-", '"', "has:"])
def test_takes_any_text(as_operator: Browser, indexed: Conversation, text: str) -> None:
    assert as_operator.get(LIST, {"q": text}).status_code == 200


@pytest.mark.parametrize("cursor", ["9" * 5000, "9" * 30, "-1", "x", "٣", "\0"])
def test_a_cursor_that_is_none_is_no_error(as_operator: Browser, indexed: Conversation, cursor: str) -> None:
    assert as_operator.get(LIST, {"before": cursor}).status_code == 200
    assert as_operator.get(LIST, {"after": cursor}).status_code == 200


def test_pages_lead_to_each_other_and_keep_the_search(
    as_operator: Browser, credential: Credential, settings: object
) -> None:
    settings.PAGE_SIZE = 2  # type: ignore[attr-defined]
    for _ in range(3):
        make_conversation(credential, {"tenant": "acme"})
    make_conversation(credential)
    first = as_operator.get(LIST, {"q": "tenant:acme"})
    second = as_operator.get(LIST + first.context_data["older_url"])
    back = as_operator.get(LIST + second.context_data["newer_url"])
    assert (len(ids(first)), len(ids(second))) == (2, 1)
    assert ids(back) == ids(first)


def test_a_pasted_id_that_is_not_known_can_be_got(as_operator: Browser) -> None:
    response = as_operator.get(LIST, {"q": "conv_68a1"})
    assert f'href="{reverse("conversation_get")}?id=conv_68a1"' in text_of(response)


def test_a_viewer_is_offered_no_way_to_add(client: Browser, viewer: User) -> None:
    text = text_of(signed_in(client, viewer).get(LIST, {"q": "conv_68a1"}))
    assert reverse("conversation_get") not in text
    assert reverse("conversation_create") not in text


@pytest.mark.parametrize("text", ["", "-state:removed", "a:b", "a:b -a:c has:a", "a:~b"])
def test_asks_as_many_queries_however_many_rows_there_are(
    as_operator: Browser, credential: Credential, text: str
) -> None:
    """For one credential: session, user, permissions (2), credentials, terms, a block and one statement for each
    further condition, the rows. Each further credential adds its blocks."""
    counts = []
    for more in (2, 10, 60):
        for _ in range(more):
            make_conversation(credential, {"a": "b"})
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(LIST, {"q": text})
        counts.append(len(queries))
    assert len(set(counts)) == 1
    assert counts[0] <= 12


def test_the_other_order_begins_with_the_oldest(as_operator: Browser, credential: Credential) -> None:
    for day in (1, 2, 3):
        make_conversation(credential, openai_id=f"conv_{day}", created_at=datetime(2026, 5, day, tzinfo=UTC))
    response = as_operator.get(LIST, {"order": "oldest"})
    assert ids(response) == ["conv_1", "conv_2", "conv_3"]
    assert ids(as_operator.get(LIST + response.context_data["state"].reversed)) == ["conv_3", "conv_2", "conv_1"]


@pytest.mark.parametrize(("order", "expected"), [("", ["conv_2", "conv_1"]), ("oldest", ["conv_2", "conv_3"])])
def test_goes_to_a_day(as_operator: Browser, credential: Credential, order: str, expected: list[str]) -> None:
    for day in (1, 2, 3):
        make_conversation(credential, openai_id=f"conv_{day}", created_at=datetime(2026, 5, day, 12, tzinfo=UTC))
    response = as_operator.get(LIST, {"on": "2026-05-02", "order": order})
    assert ids(response) == expected
    assert response.context_data["newer_url" if not order else "older_url"]


@pytest.mark.parametrize("day", ["x", "2026-02-30", "0000-01-01", "9999-12-31", "2026-05-01T10:00"])
def test_a_day_that_is_none_is_told_and_kept(as_operator: Browser, indexed: Conversation, day: str) -> None:
    response = as_operator.get(LIST, {"on": day})
    assert response.status_code == 200
    assert "Enter a date like 2026-01-31." in text_of(response)
    assert f'value="{day}"' in text_of(response)


def test_chosen_keys_are_columns(as_operator: Browser, indexed: Conversation) -> None:
    text = text_of(as_operator.get(LIST, {"col": ["tenant", "<b>"]}))
    assert '<td class="list-column" dir="auto">acme</td>' in text
    assert "&lt;b&gt;" in text
    assert "<b>tenant</b>" not in text


def test_a_view_that_one_may_not_see_gives_the_list_no_name(
    as_operator: Browser, operator: User, stranger: User
) -> None:
    own, other = (SavedView.objects.create(owner=who, name="Mine", query_string="q=a") for who in (operator, stranger))
    assert '<span dir="auto">Mine</span>' in text_of(as_operator.get(LIST, {"q": "a", "view": own.pk}))
    assert '<span dir="auto">Mine</span>' not in text_of(as_operator.get(LIST, {"q": "a", "view": other.pk}))


def test_a_row_leads_to_its_page_and_back_to_the_same_search(as_operator: Browser, credential: Credential) -> None:
    conversation = make_conversation(credential, {"tenant": "acme"})
    page = text_of(as_operator.get("/conversations/?q=tenant%3Aacme"))
    url = f"{conversation.get_absolute_url()}?q=tenant%3Aacme"
    assert url in page
    assert f'href="/conversations/?q=tenant%3Aacme#c{conversation.pk}"' in text_of(as_operator.get(url))


def test_an_id_that_the_other_terms_hide_is_said_to_be_in_the_index(
    as_operator: Browser, credential: Credential
) -> None:
    gone = make_conversation(credential, openai_id="conv_gone", state=State.REMOVED)
    page = text_of(as_operator.get("/conversations/?q=-state%3Aremoved+conv_gone"))
    assert "hide it." in page
    assert gone.get_absolute_url() in page


def test_what_is_on_legal_hold_is_marked(as_operator: Browser, operator: User, credential: Credential) -> None:
    held, free = (make_conversation(credential, {"tenant": name}) for name in ("acme", "globex"))
    place_hold(actor=operator, conversations=[held], reason="Case 7")
    rows = text_of(as_operator.get("/conversations/?q=")).split("<tr id=")
    assert [f"c{held.pk}" in row for row in rows if "On hold" in row] == [True]
    assert any(free.openai_id in row for row in rows)


def test_an_equals_sign_gets_a_suggestion(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential, {"tenant": "acme"})
    page = text_of(as_operator.get("/conversations/?q=tenant%3Dacme%20-topic%3Dx"))
    assert 'href="?q=tenant%3Aacme%20-topic%3Ax"' in page
    assert "Did you mean" not in text_of(as_operator.get("/conversations/?q=nothing"))


def test_where_all_are_removed_the_list_says_so(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential, state=State.REMOVED)
    assert "removed ones are hidden" in text_of(as_operator.get("/conversations/"))


def test_an_erased_conversation_is_told_from_a_removed_one(
    as_operator: Browser, operator: User, conversation: Conversation, credential: Credential
) -> None:
    make_conversation(credential, state=State.REMOVED)
    assert erased(operator, conversation).is_finished
    page = text_of(as_operator.get("/conversations/?q="))
    assert (page.count("Erased</span>"), page.count("Removed</span></td>")) == (1, 1)
    assert "Erased</span>" in text_of(as_operator.get(conversation.get_absolute_url()))
