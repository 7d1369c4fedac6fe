"""The reference of the search language, in the dashboard."""

import re

import pytest
from django.test import Client as Browser

from conversations.models import Credential
from conversations.pages.documentation import FOLDER, documentation
from tests.factories import make_conversation
from tests.html import text_of

URL = "/search-language/"


def test_every_example_of_the_reference_is_on_the_page(as_operator: Browser) -> None:
    page = text_of(as_operator.get(URL))
    examples = re.findall(r"^\| `([^`]+)`", (FOLDER / "search-language.md").read_text(), flags=re.MULTILINE)
    assert len(examples) > 40
    shown = [
        example.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
        for example in examples
    ]
    assert [example for example in shown if f"<code>{example}</code>" not in page] == []


def test_links_lead_to_headings_of_the_page_and_nowhere_else(as_operator: Browser) -> None:
    content = documentation("search-language.md").html
    links = re.findall(r'href="([^"]*)"', content)
    assert links
    assert [link for link in links if f'id="{link.removeprefix("#")}"' not in content] == []


def test_the_sections_of_the_page_stand_beside_it(as_operator: Browser) -> None:
    page = text_of(as_operator.get(URL))
    sections = documentation("search-language.md").sections
    assert [words for _, words in sections][:2] == ["Terms", "All of them, one of them, none of them"]
    assert [anchor for anchor, _ in sections if f'<li><a href="#{anchor}">' not in page] == []


def test_it_is_linked_beside_the_search_box(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential)
    assert f'href="{URL}"' in text_of(as_operator.get("/conversations/"))


def test_raw_html_in_a_page_of_the_documentation_is_text(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.pages.documentation.FOLDER", tmp_path)
    (tmp_path / "x.md").write_text("# T\n\n<script>alert(1)</script>\n\n[out](https://example.com) [in](#b)\n\n## B\n")  # type: ignore[operator]
    content = documentation("x.md").html
    assert "<script" not in content
    assert content.endswith('<p>out <a href="#b">in</a></p>\n<h2 id="b">B</h2>\n')
