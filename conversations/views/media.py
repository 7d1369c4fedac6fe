"""The pictures and sound of items: served as what their bytes are, and as nothing that could run."""

from functools import partial

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from ..items.media import decode_media
from ..openai.errors import OpenAIError
from ..pages.responses import SignedInRequest
from ..services.media import retrieve_data
from .access import requested_transcript, visible_conversation
from .outcomes import read_or_failure

UNSUPPORTED = 415
NOT_SHOWN = (
    "Convadmin can’t show this image or sound: its format isn’t supported, it’s broken, or it’s larger than 20 MB. "
    "The item’s raw JSON contains it."
)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def item_media(request: SignedInRequest, pk: int, item_id: str, number: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    include = requested_transcript(request, conversation).include
    read = partial(retrieve_data, conversation=conversation, item_id=item_id, number=number, include=include)
    found, status = read_or_failure(lambda: {"data": read()})
    if status != 200:
        return _words(_why(found.get("failure"), found.get("problem", "")), status)
    if found["data"] is None:
        raise Http404("The item has no image or sound with this number.")
    return _served(found["data"], f"{item_id}-{number}")


def _served(data: str, name: str) -> HttpResponse:
    # The type comes from the bytes, never from what the item claims: a page must not be tricked into running it.
    found = decode_media(data)
    if found is None:
        return _words(NOT_SHOWN, UNSUPPORTED)
    known, content = found
    disposition = content_disposition_header(as_attachment=False, filename=f"{name}.{known.extension}")
    headers = {**HEADERS, "Content-Disposition": disposition or "inline"}
    return HttpResponse(content, content_type=known.content_type, headers=headers)


def _why(failure: OpenAIError | None, problem: str) -> str:
    return failure.full_message if failure else problem


def _words(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8", headers=HEADERS)
