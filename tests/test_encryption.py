"""R13: secrets are sealed for one row and field, and can be opened there with any of the keys."""

import json

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from conversations.encryption import SealError, is_key, new_key, open_sealed, seal

OLD, NEW = new_key(), new_key()


@given(st.text(st.characters(exclude_categories=[])))
def test_every_text_opens_as_it_was_sealed(value: str) -> None:
    sealed = seal(value, keys=[NEW], owner="a", field="key")
    assert open_sealed(sealed, keys=[NEW], owner="a", field="key") == value


def test_a_sealed_text_does_not_hold_the_value() -> None:
    assert "marker" not in seal("marker", keys=[NEW], owner="a", field="key")


def test_an_older_key_still_opens() -> None:
    sealed = seal("value", keys=[OLD], owner="a", field="key")
    assert open_sealed(sealed, keys=[NEW, OLD], owner="a", field="key") == "value"


def test_the_newest_key_seals() -> None:
    sealed = seal("value", keys=[NEW, OLD], owner="a", field="key")
    with pytest.raises(SealError, match="No key"):
        open_sealed(sealed, keys=[OLD], owner="a", field="key")


@pytest.mark.parametrize(("owner", "field"), [("b", "key"), ("a", "header X"), ("", "")])
def test_r13_a_text_that_was_copied_elsewhere_does_not_open(owner: str, field: str) -> None:
    sealed = seal("value", keys=[NEW], owner="a", field="key")
    with pytest.raises(SealError, match="another record"):
        open_sealed(sealed, keys=[NEW], owner=owner, field=field)


@pytest.mark.parametrize("content", [b"plain", b"\xff", b"1", b"{}", json.dumps(["a", "key", 1]).encode()])
def test_what_others_sealed_under_the_key_does_not_open(content: bytes) -> None:
    sealed = Fernet(NEW).encrypt(content).decode()
    with pytest.raises(SealError):
        open_sealed(sealed, keys=[NEW], owner="a", field="key")


@pytest.mark.parametrize("sealed", ["", "nonsense", "gAAAAA", "ключ"])
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(SealError):
        open_sealed(sealed, keys=[NEW], owner="a", field="key")


@pytest.mark.parametrize("keys", [[], ["short"], [NEW, "ключ"]])
def test_without_proper_keys_nothing_is_sealed(keys: list[str]) -> None:
    with pytest.raises(SealError, match="CREDENTIAL_KEYS"):
        seal("value", keys=keys, owner="a", field="key")


@pytest.mark.parametrize("text", ["", "x" * 44, "ключ"])
def test_an_invalid_key_is_recognized_by_its_form(text: str) -> None:
    assert not is_key(text)


def test_a_new_key_is_a_key() -> None:
    assert is_key(NEW)
