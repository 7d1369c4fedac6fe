"""What a browser makes of a page: its forms, filled in by a person and sent as browsers send them."""

import re
from collections.abc import Iterable
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse
from django.utils.http import urlencode

from conversations.sandbox import Fault

HOSTILE = [
    pytest.param("two\nlines", id="newline"),
    pytest.param("\nstarts with a line", id="leading newline"),
    pytest.param("tab\tinside\t", id="tab"),
    pytest.param("  edge spaces  ", id="edge spaces"),
    pytest.param("", id="empty"),
    pytest.param("😀" * 512, id="512 emoji"),
    pytest.param("שלום עולם \u202e!", id="right-to-left"),
    pytest.param("<script>alert(1)</script>", id="script"),
    pytest.param("\"><img src=x onerror='alert(1)'>&amp;", id="attribute"),
    pytest.param("</textarea><b>{{ x }}{% y %}", id="textarea"),
    pytest.param("$(id) `id` 'quoted' \\n", id="shell"),
]

# What OpenAI may say, and words that have to stand on the page. None of these is tried again.
REFUSALS = [
    pytest.param(Fault(status=404, message="No such thing."), "No such thing.", id="404"),
    pytest.param(
        Fault(status=429, code="rate_limit_exceeded", headers={"Retry-After": "7"}), "Wait 7 seconds", id="429: wait"
    ),
    pytest.param(Fault(status=429, code="insufficient_quota"), "Add credit or raise the limit", id="429: pay"),
    pytest.param(Fault(status=500, message="Oh no.", headers={"x-should-retry": "false"}), "Oh no.", id="500"),
    pytest.param(Fault(body=b"<html>proxy</html>"), "The response isn’t a JSON object.", id="garbage"),
]
UNREACHABLE = "Convadmin couldn’t connect to the server."


def signed_in(browser: Browser, user: User) -> Browser:
    """The browser, with the user signed in."""
    browser.force_login(user)
    return browser


def fragment(target: str) -> dict[str, str]:
    """The headers with which htmx asks for the element `target`."""
    return {"HX-Request": "true", "HX-Target": target}


def text_of(response: HttpResponse) -> str:
    return response.content.decode()


def words_of(response: HttpResponse) -> str:
    """What the page says, without its tags."""
    words = unescape(re.sub(r"<[^>]+>", " ", text_of(response)))
    return re.sub(r"\s+([,.:])", r"\1", " ".join(words.split()))


def is_page(response: HttpResponse) -> bool:
    """Whether it is a whole page, not a part of one."""
    return "<!doctype html>" in text_of(response) and 'class="topbar"' in text_of(response)


def asks_to_sign_in(response: HttpResponse, url: str) -> bool:
    """Whether it leads to the sign-in, and from there back to `url`."""
    return response.status_code == 302 and unquote(response["Location"]) == f"{reverse('login')}?next={url}"


def everything() -> dict[str, list[Any]]:
    """All that Convadmin keeps, to be compared."""
    models = apps.get_app_config("conversations").get_models()
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


class Form:
    """A form as it stands on a page: where it goes, its fields in their order, and its buttons."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.attributes = attributes
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[dict[str, str]] = []

    def values(self, name: str) -> list[str]:
        """What stands in the fields of this name."""
        return [value for field, value in self.fields if field == name]

    def fill(self, name: str, *values: str) -> "Form":
        """Type these into the fields of this name, one after the other."""
        typed = iter(values)
        self.fields = [(field, next(typed, value) if field == name else value) for field, value in self.fields]
        return self

    def put(self, name: str, *values: str) -> "Form":
        """Make these the values of the fields of this name, however many there were."""
        self.fields = [*(pair for pair in self.fields if pair[0] != name), *((name, value) for value in values)]
        return self

    def tick(self, name: str) -> "Form":
        """Tick the box of this name."""
        return self.put(name, "on")

    def send(self, browser: Browser, url: str, do: str = "", **options: Any) -> Any:
        """Send it with the button `do`, each end of line as CR LF, as browsers do."""
        pairs = [*self.fields, *([("do", do)] if do else [])]
        sent = [(name, value.replace("\r\n", "\n").replace("\n", "\r\n")) for name, value in pairs]
        body = urlencode(sent)
        return browser.post(url, body, content_type="application/x-www-form-urlencoded", **options)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form = Form({})
        self._open: tuple[str, str, bool] | None = None
        self._text = ""
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(attributes)
            self.forms.append(self._form)
        elif tag == "input":
            self._input(attributes)
        elif tag in {"textarea", "select"}:
            self._open, self._text = (tag, attributes.get("name", ""), "multiple" in attributes), ""
            self._options = []
        elif tag == "option":
            self._options.append((attributes.get("value", ""), "selected" in attributes))
        elif tag == "button":
            self._form.buttons.append(attributes)

    def _input(self, attributes: dict[str, str]) -> None:
        name, kind = attributes.get("name", ""), attributes.get("type")
        is_box = kind in {"checkbox", "radio"}
        if name and kind != "submit" and (not is_box or "checked" in attributes):
            value = attributes.get("value", "on" if is_box else "")
            self._form.fields.append((name, value.replace("\r", "").replace("\n", "")))

    def handle_data(self, data: str) -> None:
        self._text += data if self._open else ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = Form({})
        if self._open is None or tag != self._open[0]:
            return
        (_, name, is_multiple), self._open = self._open, None
        if tag == "textarea":
            text = self._text.replace("\r\n", "\n").replace("\r", "\n")
            self._form.fields.append((name, text.removeprefix("\n")))
        else:
            first = [] if is_multiple else self._options[:1]
            chosen = [value for value, selected in self._options if selected] or [value for value, _ in first]
            self._form.fields += [(name, value) for value in chosen]


def forms_in(response: HttpResponse) -> list[Form]:
    """The forms of the page, if it is one."""
    reader = _Reader()
    reader.feed("" if response.streaming else response.content.decode(errors="replace"))
    return reader.forms


def form_in(response: HttpResponse, field: str) -> Form:
    """The form of the page that has a field of this name."""
    found = [form for form in forms_in(response) if form.values(field)]
    assert found, f"no form has a field {field}"
    return found[0]
