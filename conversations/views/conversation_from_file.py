"""A new conversation from a file with messages: the file fills the form, which the operator checks and sends."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from ..forms.conversations import ConversationForm, TranscriptFileForm
from ..forms.messages import MAX_MESSAGES, MAX_PARTS
from ..importing import ImportProblem
from ..importing.transcripts import read_transcript
from ..pages import responses
from ..pages.responses import SignedInRequest
from .conversation_create import TEMPLATE, create_context


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.add_conversation", raise_exception=True)
def conversation_from_file(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return _file_page(request, TranscriptFileForm())
    form = TranscriptFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _file_page(request, form, status=responses.REJECTED)
    file = form.cleaned_data["file"]
    try:
        found = read_transcript(file.read(), max_messages=MAX_MESSAGES, max_parts=MAX_PARTS)
    except ImportProblem as problem:
        form.add_error("file", str(problem))
        return _file_page(request, form, status=responses.REJECTED)
    filled = ConversationForm.filled_with(found.items, found.metadata, user=request.user)
    context = {**create_context(filled), "transcript": found, "file_name": file.name}
    return responses.page(request, TEMPLATE, context)


def _file_page(request: SignedInRequest, form: TranscriptFileForm, *, status: int = 200) -> HttpResponse:
    return responses.page(request, "conversations/conversation_from_file.html", {"form": form}, status=status)
