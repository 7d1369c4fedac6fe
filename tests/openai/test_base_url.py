"""R14: which base URLs a credential may have."""

import pytest

from conversations.openai.base_url import corrected, host, normalized, origin, problem_with

HOSTS = ["api.openai.com", "gateway.example.com:8443", "127.0.0.1", "::1", "notopenai.com"]


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "https://API.OpenAI.com/v1",
        "https://gateway.example.com:8443/openai",
        "http://127.0.0.1:8001/v1",
        "http://[::1]:8001/v1",
        "http://notopenai.com/v1",
    ],
)
def test_listed_hosts_are_allowed(url: str) -> None:
    assert problem_with(url, HOSTS) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/v1",
        "https://api.openai.com.evil.example.com/v1",
        "https://gateway.example.com/v1",
        "https://gateway.example.com:8444/v1",
        "https://api.openai.com./v1",
        "https://127.0.0.1%2eevil.example.com/v1",
        "https://127.0.0.1;evil.example.com/v1",
    ],
)
def test_r14_other_hosts_are_refused_by_name(url: str) -> None:
    assert "CREDENTIAL_HOSTS" in str(problem_with(url, HOSTS))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://api.openai.com/v1", "only be reached over https"),
        ("ftp://127.0.0.1/v1", "begins with https"),
        ("api.openai.com/v1", "begins with https"),
        ("https:///v1", "begins with https"),
        ("https://127.0.0.1\\@evil.example.com", "begins with https"),
        ("", "begins with https"),
        ("https://user@api.openai.com/v1", "user name"),
        ("https://user:password@api.openai.com/v1", "user name"),
        ("https://@api.openai.com/v1", "user name"),
        ("https://api.openai.com/v1?a=b", "from “?”"),
        ("https://api.openai.com/v1#a", "from “?”"),
        ("https://api.openai.com/v1?", "from “?”"),
        ("https://api.openai.com:99999/v1", "isn’t a web URL"),
        ("https://[::1/v1", "isn’t a web URL"),
        ("https://api.openai.com /v1", "plain ASCII"),
        ("https://api.openai.com/v1\n", "plain ASCII"),
        ("https://api.openаi.com/v1", "plain ASCII"),
    ],
)
def test_urls_of_another_form_are_refused_with_a_reason(url: str, words: str) -> None:
    assert words in str(problem_with(url, HOSTS))


def test_edge_spaces_and_trailing_slashes_do_not_count() -> None:
    assert normalized("  https://api.openai.com/v1// ") == "https://api.openai.com/v1"


@pytest.mark.parametrize("other", ["https://api.openai.com:443/x", "https://API.openai.com"])
def test_the_port_that_the_scheme_implies_makes_no_other_origin(other: str) -> None:
    assert origin("https://api.openai.com/v1") == origin(other)


@pytest.mark.parametrize("other", ["http://api.openai.com", "https://api.openai.com:8443", "https://eu.api.openai.com"])
def test_scheme_host_and_port_make_another_origin(other: str) -> None:
    assert origin("https://api.openai.com/v1") != origin(other)


def test_operators_see_host_and_port_only() -> None:
    assert host("https://user:password@127.0.0.1:8001/v1") == "127.0.0.1:8001"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" https://API.OpenAI.com:443/v1/ ", "https://api.openai.com/v1"),
        ("http://127.0.0.1:8001/v1", "http://127.0.0.1:8001/v1"),
        ("HTTP://[::1]:80/v1", "http://[::1]/v1"),
        ("https://api.openai.com:99999/v1", "https://api.openai.com:99999/v1"),
        ("https://user@api.openai.com/v1", "https://user@api.openai.com/v1"),
        ("nonsense", "nonsense"),
    ],
)
def test_r1_a_base_url_is_stored_in_one_form(typed: str, stored: str) -> None:
    assert normalized(typed) == stored


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://eu.api.openai.com", "https://eu.api.openai.com/v1"),
        ("https://api.openai.com/v1/conversations", "https://api.openai.com/v1"),
        ("https://api.openai.com/conversations", "https://api.openai.com/v1"),
        (
            "https://gateway.example.com:8443/openai/v1/conversations/conv_1",
            "https://gateway.example.com:8443/openai/v1",
        ),
        ("https://gw.example.com/conversations-service/v1", ""),
        ("https://platform.openai.com", ""),
        ("https://api.openai.com/v1", ""),
        ("https://gateway.example.com:8443", ""),
        ("http://127.0.0.1:8001/v1", ""),
        ("http://notopenai.com", ""),
    ],
)
def test_a_base_url_without_conversations_is_corrected(url: str, meant: str) -> None:
    assert corrected(url) == meant
