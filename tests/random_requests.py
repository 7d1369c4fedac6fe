"""Requests drawn at random over every URL of the site, most of them hostile; a seed draws the same again."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from django.test import Client as Browser
from django.test.client import encode_multipart
from django.urls import URLResolver, get_resolver

from tests.html import Form, forms_in

PARAMETER = re.compile("<[^>]+>")
FORM = "application/x-www-form-urlencoded"
PLAIN_TEXTS = """
    0 1 2 3 -1 1e9 x on yes null NaN 1,2 % %00 %s {0} {} [] \\ " ../.. * ( [ 2026-01-01 99999-01-01 0000-00-00
    oldest newest all csv json jsonl markdown columns ours sign-ins unresolved preview fill delete_selected
"""
ODD_TEXTS = [
    "",
    "\0",
    "a\0b",
    "\r\n",
    "\r\nX-Evil: 1",
    "\u202e",
    "😀",
    "é",
    "\u00ed\u00a0\u0080",
    "' OR 1=1 --",
    "<script>",
]
LONG_TEXTS = ["9" * 18, "9" * 19, "9" * 40, "a" * 300, "[" * 3000, '{"a": "b"}', '{"a": 1}', "//evil.example.com"]
PLAIN_QUERIES = """
    tenant:acme tenant:a* tenant:~c -tenant:acme has:tenant id:conv_* conv_ acme state:missing state: added:viewer
    created:7d created:>2026-01-01 created:9999999d created:99999-01 read:today credential:Sandbox : a: :a - ! !! ~
"""
QUERIES = [*PLAIN_QUERIES.split(), '"', 'a:"', "(a OR b)", "tenant:" + "a," * 500, "a " * 500]
PAGE_NAMES = """
    q order col before after on key find at show format metadata id fill done view next count page index
    token do value stored opened_with json again after_unknown credential openai_id note start name partner
    pick all verb to previewed over_changes count content package reason reference seen paused query age_days
    full_name email teams is_staff is_superuser shown member new_password1 new_password2
    role text include items items[0] username password old_password csrfmiddlewaretoken
"""
ADMIN_NAMES = """
    q p o e all _popup _to_field _changelist_filters _facets action _selected_action select_across post
    _save _continue _addanother _saveasnew state__exact state__regex metadata__k credential__id__exact
    added_at__year date_joined__year is_active__exact pk__in app_label model_name field_name term page
    username password password1 password2 usable_password name base_url api_key teams members groups
    headers-TOTAL_FORMS headers-INITIAL_FORMS headers-0-id headers-0-name headers-0-value headers-0-DELETE
    user_permissions last_login_0 last_login_1 date_joined_0 date_joined_1 locked_out__exact
"""
ODD_NAMES = ["a\0b", "é", "x" * 200, "", "__class__"]
TEXTS = [*PLAIN_TEXTS.split(), *ODD_TEXTS, *LONG_TEXTS]
HEADERS = {
    "HX-Request": ["true", "x"],
    "HX-Target": ["results", "metadata", "events", "\xff", "x" * 500],
    "HX-History-Restore-Request": ["true"],
    "HX-Current-URL": ["http://testserver/conversations/", "http://[", "x"],
    "Referer": ["http://testserver/activity/", "http://[::1", "\xff"],
    "Host": ["evil.example.com", "testserver:99999", "[::", "testserver\0"],
    "Cookie": ["sessionid=\xff", "csrftoken=x", "messages=x", "a" * 3000, "sessionid=" + "9" * 500],
    "Accept-Language": ["de", "x" * 600, "*;q=9", "\xff"],
    "X-Forwarded-For": ["1.2.3.4", "x", "\xff"],
    "X-Forwarded-Proto": ["https", "x"],
    "X-Requested-With": ["XMLHttpRequest"],
    "If-Modified-Since": ["x", "Wed, 21 Oct 2015 07:28:00 GMT"],
    "Range": ["bytes=0-", "x"],
    "Origin": ["null", "http://[", "https://evil.example.com"],
    "User-Agent": ["\xff", "x" * 5000, ""],
    "Content-Length": ["-1", "x", "99999999999"],
    "X-HTTP-Method-Override": ["DELETE"],
}
CONTENT_TYPES = [
    f"{FORM}; charset=utf-7",
    f"{FORM}; charset=utf-16",
    f"{FORM}; charset=x",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=\xff",
    "application/json",
    "text/plain; charset=idna",
    "x",
]
METHODS = ["GET"] * 8 + ["POST"] * 8 + ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LINK"]


def urls(patterns: list[Any] | None = None, before: str = "/") -> Iterator[str]:
    """Each URL of the site, with NUL where a parameter stands."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from urls(entry.url_patterns, route)
        elif "^" not in route and "(" not in route:
            yield PARAMETER.sub("\0", route)


@dataclass
class Drawn:
    """One request."""

    method: str
    url: str
    body: bytes
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, browser: Browser) -> Any:
        """The response to it."""
        told = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()}
        told |= {name: told.pop(f"HTTP_{name}") for name in ["CONTENT_LENGTH"] if f"HTTP_{name}" in told}
        return browser.generic(self.method, self.url, self.body, self.content_type, **told)


class Requests:
    """Requests that are drawn one after the other. `keys`: of rows, by the word that their URLs bear; `known`:
    texts that mean something to the site."""

    def __init__(self, seed: str, keys: dict[str, list[int]], known: list[str]) -> None:
        self.random = Random(seed)
        every = [*urls(), "/admin/auth/", "/admin/conversations/", "/nowhere/", "/%00/"]
        self.urls = {is_admin: [one for one in every if ("/admin/" in one) is is_admin] for is_admin in (False, True)}
        self.keys, self.known = keys, known
        self.some = [str(key) for own in keys.values() for key in own]

    def draw(self, browser: Browser) -> Drawn:
        """The next one: a form of a page, with a few fields changed, or anything."""
        url = self._url()
        if self.random.random() < 0.4:
            forms = forms_in(browser.get(url))
            if forms:
                return self._filled(self.random.choice(forms), url)
        return self._anything(url)

    def _filled(self, form: Form, url: str) -> Drawn:
        fields = list(form.fields)
        for _ in range(self.random.choice([0, 1, 1, 2, 3])):
            place = self.random.randrange(len(fields) + 1)
            name = fields[place][0] if place < len(fields) else self._name(url)
            fields[place : place + 1] = [(name, self._text())]
        fields += [(button["name"], button.get("value", "")) for button in form.buttons[-1:] if "name" in button]
        there = form.attributes.get("action") or url
        if form.attributes.get("method", "get").lower() == "get":
            return Drawn("GET", f"{there.partition('?')[0]}?{urlencode(fields)}", b"", FORM)
        return Drawn("POST", there, urlencode(fields).encode(), FORM)

    def _anything(self, url: str) -> Drawn:
        choose = self.random.choice
        method = choose(METHODS)
        query = "?" + urlencode(self._pairs(url)) if self.random.random() < 0.8 else ""
        body, content_type = self._body(url) if method not in {"GET", "HEAD"} else (b"", FORM)
        names = self.random.sample(sorted(HEADERS), choose([0, 0, 0, 0, 1, 2]))
        return Drawn(method, url + query, body, content_type, {name: choose(HEADERS[name]) for name in names})

    def _url(self) -> str:
        url, *pieces = self.random.choice(self.urls[self.random.random() < 0.4]).split("\0")
        for piece in pieces:
            url += self._part(url) + piece
        return url

    def _part(self, before: str) -> str:
        """A parameter of a URL: most often the key of a row that it may be about."""
        word = max(self.keys, key=before.rfind)
        if self.random.random() < 0.8 and self.keys[word]:
            return str(self.random.choice(self.keys[word]))
        return quote(self._text().replace("/", ""), safe="") or "0"

    def _name(self, url: str) -> str:
        usual = ADMIN_NAMES if url.startswith("/admin/") else PAGE_NAMES
        return self.random.choice(ODD_NAMES if self.random.random() < 0.02 else usual.split())

    def _text(self) -> str:
        return self.random.choice(self.random.choice([TEXTS, QUERIES, self.known, self.some]))

    def _pairs(self, url: str) -> list[tuple[str, str]]:
        count = self.random.choice([1, 1, 2, 3, 8])
        return [(self._name(url), self._text()) for _ in range(count)]

    def _body(self, url: str) -> tuple[bytes, str]:
        pairs, kind = self._pairs(url), self.random.random()
        if kind < 0.6:
            return urlencode(pairs).encode(), FORM
        if kind < 0.8:
            parts = {name: value for name, value in pairs if "\r" not in name + value}
            return encode_multipart("BoUnDaRy", parts), "multipart/form-data; boundary=BoUnDaRy"
        if kind < 0.9:
            return urlencode(pairs).encode(), self.random.choice(CONTENT_TYPES)
        return self.random.randbytes(200) + json.dumps(pairs).encode(), self.random.choice([FORM, *CONTENT_TYPES])
