"""The page that shows each component: for whoever works on the pages, and nobody else."""

from typing import Any

from django.test import Client as Browser

from tests.html import words_of


def test_it_shows_each_state_with_debug_only(as_operator: Browser, settings: Any) -> None:
    assert as_operator.get("/style/").status_code == 404
    settings.DEBUG = True
    page = words_of(as_operator.get("/style/"))
    assert "Metadata differs" in page
    assert "What is wrong, and what to do." in page
