"""Parses large forms without using a multiple of their size in memory."""

from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict

SLICE = 64 * 1024  # bytes that are decoded at a time


def fields_of(body: bytes) -> QueryDict:
    """The fields of a body in application/x-www-form-urlencoded, as Django reads them. Raises TooManyFieldsSent.

    urllib makes an object of each escape. For a body of nothing but escapes, such as Chinese text, that needs 75 times
    its size.
    """
    if body.count(b"&") >= settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
        raise TooManyFieldsSent("The form has too many fields.")
    fields = QueryDict(mutable=True)
    for pair in filter(None, body.split(b"&")):
        name, _, value = pair.partition(b"=")
        fields.appendlist(_decoded(name), _decoded(value))
    fields._mutable = False
    return fields


def _decoded(text: bytes) -> str:
    text = text.replace(b"+", b" ")
    pieces, start = [], 0
    while start < len(text):
        end = start + SLICE
        cut = text.find(b"%", end - 2, end) if end < len(text) else -1  # never inside of an escape
        end = end if cut < 0 else cut
        pieces.append(unquote_to_bytes(text[start:end]))
        start = end
    return b"".join(pieces).decode(errors="replace")
