"""Large forms are parsed as Django parses small ones, with little more memory than their size."""

import tracemalloc

import pytest
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from django.test import Client as Browser
from hypothesis import given
from hypothesis import strategies as st

from convadmin import large_forms
from convadmin.large_forms import fields_of
from conversations.models import Credential
from tests.html import form_in

NEW = "/conversations/new/"


@given(
    st.lists(st.sampled_from(["a", "%", "%41", "%e2%82%ac", "%ff", "&", "=", "+", "é", "%4", "%zz", "\0"]), max_size=40)
)
def test_a_form_is_read_as_django_reads_it(parts: list[str]) -> None:
    body = "".join(parts).encode()
    large_forms.SLICE, before = 4, large_forms.SLICE
    try:
        found = fields_of(body)
    finally:
        large_forms.SLICE = before
    assert found == QueryDict(body)


@pytest.mark.long
def test_a_form_of_escapes_takes_a_few_times_its_size() -> None:
    body = b"text=" + b"%3C" * 1_000_000
    tracemalloc.start()
    assert fields_of(body)["text"] == "<" * 1_000_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * len(body)


def test_too_many_fields_are_refused_before_they_are_taken_apart() -> None:
    with pytest.raises(TooManyFieldsSent):
        fields_of(b"&" * 2_000)


def test_a_long_text_arrives_as_it_was_typed(as_operator: Browser, credential: Credential) -> None:
    typed = "\u4f60\u597d + 100% & <b>\n" * 20_000
    form = form_in(as_operator.get(NEW), "token").fill("text", typed)
    response = form.send(as_operator, NEW, "add-message")
    assert response.context_data["form"].messages.rows[0].text == typed
