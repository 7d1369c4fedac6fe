"""Tokens, and an application that uses one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from conversations.models import ApiToken, Credential

URL = "/api/v1/conversations"


def make_token(credential: Credential, **fields: Any) -> tuple[ApiToken, str]:
    token = ApiToken(**{"name": "Shop", "credential": credential, "may_search": True, **fields})
    text = token.draw_text()
    token.save()
    return token, text


@pytest.fixture
def token(credential: Credential) -> str:
    return make_token(credential)[1]


@pytest.fixture
def post(token: str) -> Callable[..., HttpResponse]:
    """Registers what it is given."""
    headers = {"Authorization": f"Bearer {token}"}
    return lambda body: Browser().post(URL, body, content_type="application/json", headers=headers)


@pytest.fixture
def get(token: str) -> Callable[..., HttpResponse]:
    """Asks for the path behind the URL, with these parameters."""
    headers = {"Authorization": f"Bearer {token}"}
    return lambda path="", **parameters: Browser().get(URL + path, parameters, headers=headers)
