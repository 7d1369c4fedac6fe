"""Markdown as HTML: what people expect of it, nothing that acts, and no more work than its length is worth."""

import re

import pytest

from conversations.items import rendering
from conversations.items.rendering import MAX_LENGTH, cost, render
from tests.effort import limited_computing

REL = 'target="_blank" rel="noopener noreferrer nofollow external"'
TAG = re.compile(r"<[^>]*>")
OURS = re.compile(
    r"</?(p|br|hr|strong|em|s|code|blockquote|ol|ul|li|table|thead|tbody|tr|th|td|pre|a)>"
    r'|<p data-level="[1-6]">|<ol start="\d{1,9}">|<t[hd] data-align="(right|center)">'
    r'|<pre class="code" tabindex="0">|<div class="table-frame" role="group" aria-label="Table" tabindex="0">|</div>'
    rf'|<a href="(https?://|mailto:)[^"<>\s]*" {REL}>'
)

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<div class=button style='position:fixed' id=main>",
    "<!-- --><![CDATA[ x ]]><?php ?>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](java\tscript:alert(1))",
    "[a](\x01javascript:alert(1))",
    "[a](vbscript:x) [b](file:///etc/passwd) [c](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](/sign-out/) [b](//evil.example) [c](?do=x) [d](#main)",
    "<javascript:alert(1)> <data:text/html,x>",
    '[a](https://e.example/"onmouseover="alert(1))',
    '[a](https://e.example "t\\" onclick=\\"x")',
    "[a](https://bank.example@evil.example)",
    "[a]()](javascript:x) ![b]()](x)",
    "[a [b](javascript:x)](https://e.example)",
    "[![i](https://e.example/i.png)](https://e.example)",
    "![x](javascript:alert(1)) ![y](data:image/svg+xml,<svg/onload=alert(1)>)",
    '![" onerror="alert(1)](https://e.example/x.png)',
    '```"><script>alert(1)</script>\ncode\n```',
    "|<b>|\n|-|\n|</table><script>|",
    "&lt;script&gt; &#60;img&#62; &amp;lt;b&gt;",
    "`<b>` ``</code><script>``",
    "[a]: javascript:alert(1)\n\n[a] [b][a]",
    "# <h1 id=x>\n\n<h2>\n===",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_comes_of_an_attack_but_the_tags_of_markdown(text: str) -> None:
    html = render(text) or ""
    foreign = [tag for tag in TAG.findall(html) if not OURS.fullmatch(tag)]
    assert foreign == []
    assert "<" not in TAG.sub("", html)


@pytest.mark.parametrize("text", ATTACKS)
def test_without_the_parser_s_care_the_sanitiser_lets_nothing_pass(text: str) -> None:
    html = rendering._sanitised(text + '<p title="x" lang="y" class="z" dir="rtl"><a href="javascript:x" id="i">b</a>')
    assert [
        tag for tag in TAG.findall(html) if not re.fullmatch(rf"</?[a-z]+>|<a(?: href=\"[^\"]*\")? {REL}>", tag)
    ] == []
    assert 'href="javascript' not in html.lower()


def test_links_lead_to_the_web_or_to_a_mailbox_in_a_tab_of_their_own() -> None:
    assert render("[a](https://e.example/?x=1&y=2)") == f'<p><a href="https://e.example/?x=1&amp;y=2" {REL}>a</a></p>\n'
    assert render("<a@b.example>") == f'<p><a href="mailto:a@b.example" {REL}>a@b.example</a></p>\n'
    assert "<a" not in (render("[a](mailto:a@b.example?bcc=everyone)") or "")


def test_an_address_in_look_alike_letters_stays_recognizable() -> None:
    assert 'href="https://xn--pple-43d.example"' in (render("[a](https://аpple.example)") or "")
    assert ">https://xn--pple-43d.example<" in (render("<https://xn--pple-43d.example>") or "")


def test_an_image_is_a_link_and_never_loaded() -> None:
    assert render("![a kettle](https://e.example/k.png)") == (
        f'<p><a href="https://e.example/k.png" {REL}>Image: a kettle</a></p>\n'
    )
    assert "Image: e.example" in (render("![](https://e.example/k.png)") or "")


def test_an_image_in_a_link_is_words() -> None:
    html = render("[![k](https://e.example/k.png)](https://t.example)")
    assert html == f'<p><a href="https://t.example" {REL}>Image: k</a></p>\n'


def test_headings_are_paragraphs() -> None:
    html = render("# One\n\nTwo\n---\n\n###### Six") or ""
    assert re.findall(r'<p data-level="(\d)">(\w+)</p>', html) == [("1", "One"), ("2", "Two"), ("6", "Six")]
    assert "<h" not in html


def test_tables_and_code_scroll_in_frames_that_the_keyboard_reaches() -> None:
    html = render("|a|b|\n|-|-:|\n|1|2|\n\n```py\nx = 1\n\ny = 2\n```") or ""
    assert '<div class="table-frame" role="group" aria-label="Table" tabindex="0"><table>' in html
    assert '<td data-align="right">2</td>' in html
    assert '<pre class="code" tabindex="0"><code>x = 1\n\ny = 2\n</code></pre>' in html


def test_a_line_break_stays_one() -> None:
    assert render("one\ntwo") == "<p>one<br>\ntwo</p>\n"


def test_references_are_text_since_one_url_could_be_repeated_endlessly() -> None:
    text = "[a]: https://e.example/" + "x" * 1_900 + "\n\n" + "[a]\n" * 5_000
    assert len(render(text) or "") < 2 * len(text)


@pytest.mark.long
def test_what_is_too_long_or_grows_too_much_is_not_rendered() -> None:
    assert render("x" * (MAX_LENGTH + 1)) is None
    assert render("|" + "a|" * 2_500 + "\n|" + "-|" * 2_500 + "\n" + "x\n" * 2_500) is None


def test_brackets_cost_more_than_prose() -> None:
    assert cost("[" * 1_000) > 10 * cost("x" * 1_000)


N = 10_000
COSTLY = {
    "asterisks": "*" * N,
    "open emphasis": "*a **b " * N,
    "closed emphasis": "a* b** " * N,
    "underscores": "_a_" * N,
    "brackets": "[" * 5 * N,
    "closing brackets": "]" * 5 * N,
    "images": "![" * 5 * N,
    "empty links": "[](" * 3 * N,
    "open links": "[a](" * 2 * N,
    "nested": "![[]()" * N,
    "parentheses": "[a](" + "(" * 9 * N,
    "angles": "<a" * 5 * N,
    "autolinks": "<http://a" * N,
    "comments": "<!--" * 2 * N,
    "backticks": "".join("`" * count + "a" for count in range(1, 440)),
    "quotes": ">" * 9 * N,
    "lists": "- " * 4 * N,
    "deep lists": "".join("  " * depth + "- a\n" for depth in range(300)),
    "short lists": "- a\n" * 2 * N,
    "cells": "|a|\n|-|\n" + "|b|\n" * 2 * N,
    "wide table": "|" + "a|" * N + "\n|" + "-|" * N + "\n" + "x\n" * N,
    "entities": "&amp;" * 2 * N,
    "unknown entities": "&" * 9 * N,
    "strikes": "~~a " * 2 * N,
    "backslashes": "\\" * 9 * N,
    "fences": "```\n" * 2 * N,
    "rules": "***\n" * 2 * N,
    "references": "[a]: b\n" * N,
    "titles": '[a](b "' * N,
    "setext": "a\n=\n" * 2 * N,
}


@pytest.mark.long
@pytest.mark.parametrize("kind", COSTLY)
def test_no_text_takes_more_than_its_length_is_worth(kind: str) -> None:
    """Each is a tenth of a second or less. Where a part is read again for each other one, it takes minutes."""
    with limited_computing(2.0):
        render(COSTLY[kind][:MAX_LENGTH])
