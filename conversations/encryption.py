"""Encrypts secrets in the database: sealed under the newest key, opened under any of the keys. Pure.

Sealed is JSON `[owner, field, value]`, so a secret that is copied to another row or field can't be opened there. Keys
are Fernet keys (32 bytes in URL-safe base64), newest first.
"""

import json
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class SealError(Exception):
    """A secret can't be opened: no key fits, or it was sealed for another row or field."""


def new_key() -> str:
    """A random Fernet key."""
    return Fernet.generate_key().decode()


def is_key(text: str) -> bool:
    """Whether `text` is a Fernet key."""
    try:
        Fernet(text)
    except ValueError:
        return False
    return True


def problem_with_keys(keys: Sequence[str]) -> str:
    """Why `keys` can't be used, and what to do; "" if they can."""
    if not keys:
        return "CREDENTIAL_KEYS is empty. Set it before you use credentials."
    return "" if all(map(is_key, keys)) else "A key in CREDENTIAL_KEYS isn’t a Fernet key. Correct it."


def seal(value: str, *, keys: Sequence[str], owner: str, field: str) -> str:
    """`value`, sealed for `field` of `owner` under the first key."""
    return _fernet(keys).encrypt(json.dumps([owner, field, value]).encode()).decode()


def open_sealed(sealed: str, *, keys: Sequence[str], owner: str, field: str) -> str:
    """The value that was sealed for `field` of `owner`. Raises SealError."""
    try:
        content = _fernet(keys).decrypt(sealed.encode())
    except InvalidToken:
        raise SealError(
            "No key in CREDENTIAL_KEYS opens this secret. Add the key that it was encrypted with."
        ) from None
    match _json_or_none(content):
        case [sealed_owner, sealed_field, str(value)] if (sealed_owner, sealed_field) == (owner, field):
            return value
    raise SealError("This secret was encrypted for another record or field. Enter it again.")


def _json_or_none(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _fernet(keys: Sequence[str]) -> MultiFernet:
    problem = problem_with_keys(keys)
    if problem:
        raise SealError(problem)
    return MultiFernet([Fernet(key) for key in keys])
