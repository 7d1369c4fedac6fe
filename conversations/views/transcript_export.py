"""A transcript as a file: the page that says what it will hold and how earlier downloads went, and the file."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from ..exports.transcripts import FORMATS
from ..models import Conversation, Event
from ..openai.errors import OpenAIError
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..pages.transcript_state import TranscriptState
from ..services.errors import ServiceError
from ..services.transcripts import download
from .access import requested_transcript, visible_conversation
from .outcomes import status_of

DOWNLOADS_SHOWN = 5


@require_safe
@cache_control(no_store=True)
@permission_required("conversations.view_conversation", raise_exception=True)
def transcript_export(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    return _page(request, conversation, requested_transcript(request, conversation))


@require_safe
@cache_control(no_store=True)
@permission_required("conversations.view_conversation", raise_exception=True)
def transcript_export_file(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """Where nothing could be read, the page that says why, in place of a file."""
    conversation = visible_conversation(request, pk)
    state = requested_transcript(request, conversation)
    kind = FORMATS.get(request.GET.get("format", ""))
    if kind is None:
        problem = f"Choose a format: {', '.join(FORMATS)}."
        return _page(request, conversation, state, {"problem": problem}, status=responses.REJECTED)
    file = kind(conversation.openai_id)
    try:
        # HEAD must not start a download, which is an event and reads the whole transcript.
        chunks = (
            []
            if request.method == "HEAD"
            else download(actor=request.user, conversation=conversation, file=file, include=state.include)
        )
    except OpenAIError as error:
        return _page(request, conversation, state, {"failure": error}, status=responses.FAILED_AT_OPENAI)
    except ServiceError as error:
        return _page(request, conversation, state, {"problem": str(error)}, status=status_of(error))
    name = f"{conversation.openai_id[:80]} {timezone.localdate():%Y-%m-%d}.{kind.extension}"
    response = StreamingHttpResponse(chunks, content_type=f"{kind.content_type}; charset=utf-8")
    return responses.as_file(response, name)


def _page(
    request: SignedInRequest,
    conversation: Conversation,
    state: TranscriptState,
    failed: dict[str, object] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    downloads = list(Event.objects.exports().about(conversation).by(request.user).for_list()[:DOWNLOADS_SHOWN])
    context = {
        "conversation": conversation,
        "transcript": state,
        "formats": [(name, kind.label) for name, kind in FORMATS.items()],
        "downloads": downloads,
        "is_under_way": any(event.is_pending for event in downloads),
        **(failed or {}),
    }
    return responses.page(
        request, "conversations/transcript_export.html", context, fragments=["downloads"], status=status
    )
