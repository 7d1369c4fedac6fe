"""Text of items on a page: exact, and harmless whatever it holds."""

import html
import re
from collections.abc import Callable
from itertools import chain

import pytest
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st

from conversations.examples.hostile_items import CHARACTERS, MARKUP
from conversations.templatetags.items import MAX_MARKED, exact, grouped, in_words, shown, status_tone

Filter = Callable[[str], str]

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = [chr(code) for code in chain(range(1, 9), range(11, 32), range(127, 160))]


def read(page: str) -> str:
    """What a reader of the page copies from it."""
    return html.unescape(re.sub(r"</?bdi[^>]*>", "", page))


def test_markup_is_escaped() -> None:
    assert shown('<script>a && "b"</script>') == '&lt;script&gt;a &amp;&amp; "b"&lt;/script&gt;'


@pytest.mark.parametrize("character", [*CONTROLS, *BIDI], ids=lambda character: f"U+{ord(character):04X}")
def test_what_a_page_would_hide_or_obey_stands_in_an_element_of_its_own(character: str) -> None:
    page = shown(f"a{character}b")
    assert re.fullmatch(r'a<bdi class="control" data-name="[\w+]+" title="U\+[^"<]+">(.|\s|&#13;)</bdi>b', page)
    assert f"U+{ord(character):04X}" in page
    assert read(page) == f"a{character}b"


@pytest.mark.parametrize(
    ("character", "name", "title"),
    [("\x1b", "ESC", "U+001B ESC"), ("\r", "CR", "U+000D CR"), ("\u202e", "U+202E", "U+202E RIGHT-TO-LEFT OVERRIDE")],
)
def test_a_control_is_seen_by_its_name(character: str, name: str, title: str) -> None:
    assert f'data-name="{name}" title="{title}"' in shown(character)


@pytest.mark.parametrize(
    "text", ["a\tb\nc", "שלום", "مرحبا", "👨\u200d👩\u200d👧", "a\u0300\u0489", "\u00a0\u3000", ""]
)
def test_letters_of_any_script_tabs_and_lines_stay_as_they_are(text: str) -> None:
    assert shown(text) == text


def test_cr_lf_is_one_end_of_line_and_a_lone_carriage_return_is_marked() -> None:
    assert shown("a\r\nb") == "a\nb"
    assert shown("a\rb").count('data-name="CR"') == 1


def test_of_too_many_controls_each_is_replaced() -> None:
    assert shown("\x1b" * MAX_MARKED).count("<bdi") == MAX_MARKED
    assert shown("<" + "\x1b" * (MAX_MARKED + 1)) == "&lt;" + "\ufffd" * (MAX_MARKED + 1)


@pytest.mark.parametrize("text", [*MARKUP, *CHARACTERS], ids=lambda text: ascii(text[:12]))
def test_a_hostile_example_is_read_as_it_was_written(text: str) -> None:
    assert read(shown(text)) == text.replace("\r\n", "\n")


@given(st.text() | st.text(st.sampled_from([*CONTROLS, *BIDI, "<", "&", "b", "\n", '"'])))
def test_any_text_is_read_as_it_was_written_and_holds_no_other_tag(text: str) -> None:
    page = shown(text)
    assert read(page) == text.replace("\r\n", "\n")
    assert "<" not in re.sub(r"</?bdi[^>]*>", "", page)


@pytest.mark.parametrize(("status", "tone"), [("completed", "off"), ("failed", "bad"), ("projecting", "info")])
def test_a_status_has_its_colour_and_an_unknown_one_too(status: str, tone: str) -> None:
    assert status_tone(status) == tone


def test_names_and_numbers_are_said_to_people() -> None:
    assert (in_words("in_progress"), grouped(1234567)) == ("in progress", "1,234,567")


# What nobody sees

UNSEEN = {
    "\u200b": "ZWSP",
    "\u200c": "ZWNJ",
    "\u200d": "ZWJ",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u2060": "WJ",
    "\u2061": "U+2061",
    "\u2062": "U+2062",
    "\u2063": "U+2063",
    "\u2064": "U+2064",
    "\ufeff": "BOM",
    "\u00ad": "SHY",
    "\u061c": "ALM",
    "\u180e": "U+180E",
    "\U000e0041": "U+E0041",
}


def marks(page: str) -> str:
    """The page with each mark as [its name]."""
    return re.sub(r'<bdi class="control" data-name="([^"]+)" title="[^"]+">.*?</bdi>', r"[\1]", page, flags=re.DOTALL)


@pytest.mark.parametrize("filtered", [shown, exact])
@pytest.mark.parametrize("character", UNSEEN, ids=lambda character: f"U+{ord(character):04X}")
def test_what_nobody_sees_is_seen_by_its_name(filtered: Filter, character: str) -> None:
    page = filtered(f"a{character}b")
    assert marks(page) == f"a[{UNSEEN[character]}]b"
    assert f"U+{ord(character):04X} " in page
    assert read(page) == f"a{character}b"


@pytest.mark.parametrize("filtered", [shown, exact])
@pytest.mark.parametrize(
    "text",
    [
        *("👨\u200d👩\u200d👧\u200d👦", "🏳️\u200d🌈", "❤️\u200d🔥", "👩🏽\u200d💻", "👍\ufe0f", "☎\ufe0e"),
        *("می\u200cخواهم", "क्\u200dष", "ශ්\u200dරී"),
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
    ids=ascii,
)
def test_emoji_and_letters_that_joiners_make_one_stay_whole(filtered: Filter, text: str) -> None:
    assert filtered(text) == text


@pytest.mark.parametrize(
    "text", ["👨\u200d", "\u200d👨", "👨\u200da", "a\u200d👨", "👨\u200c👩", "م\u200c", "م\u200ca"]
)
def test_a_joiner_that_joins_nothing_is_marked(text: str) -> None:
    assert marks(shown(text)).count("[ZW") == 1


# Exact


@pytest.mark.parametrize(
    ("text", "page"),
    [
        (" tenant", "[SP]tenant"),
        ("tenant ", "tenant[SP]"),
        ("  a b  ", "[SP][SP]a b[SP][SP]"),
        ("   ", "[SP][SP][SP]"),
        ("\ta\n", "[TAB]a[LF]"),
        ("a\r\n", "a[CR][LF]"),
        ("a\nb\tc", "a\nb[TAB]c"),
        ("a  b", "a [SP]b"),
        ("a\u00a0b\u2003c\u3000d", "a[NBSP]b[U+2003]c[U+3000]d"),
        ("a\u2028b", "a[U+2028]b"),
        ("tenant\u200b", "tenant[ZWSP]"),
        ("", ""),
    ],
)
def test_keys_and_values_that_differ_do_not_look_alike(text: str, page: str) -> None:
    assert marks(exact(text)) == page
    assert read(exact(text)) == text


def test_an_exact_text_is_escaped_also_for_an_attribute() -> None:
    assert exact(" \"<b>'&") == exact(" ") + "&quot;&lt;b&gt;&#x27;&amp;"
    assert isinstance(exact("a"), SafeString)


@given(st.text() | st.text(st.sampled_from([*CONTROLS, *BIDI, *UNSEEN, "<", "&", "b", "\n", '"', " ", "\u00a0", "👨"])))
def test_any_exact_text_is_read_as_it_was_written_and_holds_no_other_tag(text: str) -> None:
    assert read(exact(text)) == text
    assert "<" not in re.sub(r"</?bdi[^>]*>", "", exact(text))


def test_of_too_many_that_nobody_sees_each_is_replaced_and_emoji_stay_whole() -> None:
    assert exact(" " * (MAX_MARKED + 1)) == "\ufffd" * (MAX_MARKED + 1)
    assert shown("\u200b" * (MAX_MARKED + 1) + "👨\u200d👩") == "\ufffd" * (MAX_MARKED + 1) + "👨\u200d👩"
