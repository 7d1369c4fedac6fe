"""Three teams, two of them with a shared key: nobody learns anything of a credential that is not theirs (R23).

What belongs to the others is named by words that stand nowhere else, and looked for in every answer.
"""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.models import Credential, SavedView, State
from conversations.query import parse
from conversations.search import Overview, Search
from tests.factories import CREATED_AT, make_conversation, make_credential, make_team, make_user
from tests.html import signed_in, text_of

pytestmark = pytest.mark.django_db

SECRETS = ["zebra", "Zebra key", "conv_zebra", "hidden_key", "2026-01-01", "1 Jan 2026", "Quagga"]
ADDRESSES = [
    "/conversations/?q={}",
    "/conversations/?q={}&order=oldest",
    "/conversations/?q={}&col=hidden_key",
    "/conversations/overview/?q={}",
    "/conversations/overview/?q={}&count=all",
    "/conversations/values/?q={}&key=tenant",
    "/conversations/values/?q={}&key=tenant&find=z",
    "/conversations/completion/?q=tenant:&at=7",
    "/conversations/completion/?q=h&at=1",
    "/conversations/completion/?q=credential:&at=11",
    "/conversations/export/?q={}",
    "/conversations/export/file/?q={}&format=csv&metadata=columns",
    "/conversations/export/file/?q={}&format=json",
    "/conversations/export/file/?q={}&format=jsonl",
    "/views/",
    "/",
]
QUERIES = [
    "",
    "has:tenant",
    "-state:removed",
    "-tenant:acme",
    "e",
    "z",
    "tenant:z*",
    "tenant:~ebr",
    "id:conv_*",
    "read:today",
]


@pytest.fixture(autouse=True)
def shared() -> Credential:
    """The key of the first and the second team; the third team's key is a secret to them."""
    shared = make_credential(name="Shared", teams=[make_team("First"), make_team("Second")])
    third = make_team("Third")
    hidden = make_credential(name="Zebra key", teams=[third])
    for number in range(5):
        make_conversation(shared, {"tenant": "acme", "env": "prod"}, openai_id=f"conv_{number}")
    moment = CREATED_AT.replace(month=1, day=1)
    for state in State.values:
        pairs = {"tenant": "zebra", "hidden_key": "1"}
        make_conversation(hidden, pairs, openai_id=f"conv_zebra{state}", created_at=moment, state=state)
    owner = make_user("owner of a view", teams=[third])
    SavedView.objects.create(owner=owner, name="Quagga", team=third, query_string="q=tenant%3Azebra")
    return shared


@pytest.fixture(params=["First", "Second", "nobody's"])
def member(request: pytest.FixtureRequest) -> User:
    """Someone of a team without the third team's key, or of no team."""
    from conversations.models import Team

    return make_user("member", teams=Team.objects.filter(name=request.param))


def answers(browser: Browser) -> Iterator[tuple[str, str]]:
    for url in ADDRESSES:
        for query in QUERIES if "{}" in url else [""]:
            response = browser.get(url.format(query), follow=True)
            yield (
                url.format(query),
                (b"".join(response.streaming_content).decode() if response.streaming else text_of(response)),
            )


@pytest.mark.long
def test_r23_no_response_tells_of_what_is_not_theirs(client: Browser, member: User) -> None:
    for url, text in answers(signed_in(client, member)):
        typed = text.replace("col=hidden_key", "").replace('<span class="mono">hidden_key</span>', "")
        typed = typed.replace("Take hidden_key out", "").replace('value="hidden_key"', "")
        assert not [secret for secret in SECRETS if secret in typed], url


@pytest.mark.long
def test_r23_the_third_team_finds_its_own_and_no_other(client: Browser) -> None:
    from conversations.models import Team

    third = make_user("third", teams=Team.objects.filter(name="Third"))
    for url, text in answers(signed_in(client, third)):
        assert "acme" not in text.replace("-tenant:acme", "").replace("tenant</b> is not acme", "").replace(
            "tenant is not acme", ""
        ).replace("-tenant%3Aacme", "").replace("not-tenant-acme", ""), url


@pytest.mark.parametrize("query", QUERIES)
def test_r23_numbers_count_what_is_theirs_alone(query: str, member: User) -> None:
    search = Search.for_user(parse(query), member)
    overview = Overview(search)
    mine = set(search.names)
    assert overview.number.at_least == len(list(search.sort_keys())) <= 5
    assert set(overview.counts.credentials) <= mine
    histogram = overview.histogram
    assert sum(bar.number or 0 for bar in histogram.bars) == overview.number.at_least if histogram else True


def test_r23_another_s_credential_and_none_at_all_are_answered_alike(member: User) -> None:
    said = [
        Search.for_user(parse(f'credential:"{name}"'), member).query.problems[0].message.replace(name, "…")
        for name in ("Zebra key", "No such key")
    ]
    assert said[0] == said[1]


def test_r23_both_teams_of_a_shared_key_see_the_same(client: Browser) -> None:
    from conversations.models import Team

    seen = [
        list(Search.for_user(parse(""), make_user(teams=Team.objects.filter(name=name))).sort_keys())
        for name in ("First", "Second")
    ]
    assert seen[0] == seen[1]
    assert len(seen[0]) == 5
