"""Pictures and sound of items in a real browser: painted, played, and nothing of them from elsewhere."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.examples.items import every_type, from_other_servers, unknown_types
from conversations.examples.media_items import HEIGHT, WIDTH
from conversations.examples.tool_items import PNG
from conversations.models import Conversation
from conversations.pages.transcript_state import INCLUDABLE
from conversations.sandbox import Sandbox
from tests.browser.conftest import Guard, OpenBrowser
from tests.browser.test_look import look_at

pytestmark = pytest.mark.browser

INCLUDED = "&".join(f"include={name}" for name in INCLUDABLE)


@pytest.fixture
def url(known: Conversation, sandbox: Sandbox) -> str:
    """Of a transcript with pictures and sound."""
    sandbox.store.add_items(known.openai_id, from_other_servers())
    return f"{known.get_absolute_url()}items/?{INCLUDED}"


def test_a_picture_is_painted_in_a_box_that_does_not_move(page: Page, url: str) -> None:
    page.goto(url)
    picture = page.locator(".media img")
    box = picture.bounding_box()
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", value=True)
    assert picture.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [WIDTH, HEIGHT]
    assert box is not None
    assert (box["width"], box["height"]) == (320, 240)
    assert page.evaluate("performance.getEntriesByType('layout-shift').length") == 0


def test_a_picture_opens_whole_in_a_tab_of_its_own(page: Page, url: str, guard: Guard) -> None:
    page.goto(url)
    with page.expect_popup() as opened:
        page.locator(".media a").click()
    tab = opened.value
    tab.wait_for_load_state()
    assert tab.locator("img").evaluate("image => image.naturalWidth") == WIDTH
    guard.breaches = [each for each in guard.breaches if "inline style" not in each]  # the browser's own, refused too


def test_a_picture_opens_from_the_page_of_its_item_too(
    page: Page, known: Conversation, sandbox: Sandbox, guard: Guard
) -> None:
    [added, *_] = sandbox.store.add_items(known.openai_id, [{"type": "image_generation_call", "result": PNG}])
    page.goto(f"{known.get_absolute_url()}item/{added['id']}/")
    with page.expect_popup() as opened:
        page.locator(".media a").click()
    opened.value.close()
    guard.breaches = [each for each in guard.breaches if "inline style" not in each]


def test_sound_is_fetched_and_played_only_when_it_is_requested(page: Page, url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    sound = page.locator("audio").first
    assert not any("media/1/" in each for each in asked)
    duration = "audio => new Promise((done, fail) => { audio.onloadedmetadata = () => done(audio.duration);"
    assert sound.evaluate(f"{duration} audio.onerror = () => fail('no sound'); audio.load(); audio.play(); }})") == 0.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_examples_fit_and_load_nothing_from_elsewhere(
    open_browser: OpenBrowser, operator: User, known: Conversation, sandbox: Sandbox, width: int, scheme: str
) -> None:
    """The guard fails for any request to another host."""
    sandbox.store.add_items(known.openai_id, [*every_type(), *unknown_types(), *from_other_servers()])
    page = open_browser(operator, viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.goto(f"{known.get_absolute_url()}items/?{INCLUDED}")
    for picture in page.locator(".media img").all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", value=True)
        assert picture.evaluate("image => image.naturalWidth") > 0
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_pictures_and_sound_look_as_the_house_does(page: Page, url: str) -> None:
    assert look_at(page, url) == {}


def test_pictures_are_seen_without_scripts(open_browser: OpenBrowser, operator: User, url: str) -> None:
    page = open_browser(operator, java_script_enabled=False).new_page()
    with page.expect_response(lambda response: "/media/0/" in response.url) as answered:
        page.goto(url)
        page.locator(".media img").scroll_into_view_if_needed()
    assert answered.value.headers["content-type"] == "image/png"
