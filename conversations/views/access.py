"""What a request may see and asks for: rows visible to the user or 404, and the state that its URL holds."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from ..models import Conversation, Erasure, Job, export_file
from ..openai.ids import is_legal_item_id
from ..pages.list_state import ListState
from ..pages.paging import keyset_page
from ..pages.responses import SignedInRequest
from ..pages.transcript_state import TranscriptState
from ..search import Search


def visible_conversation(request: SignedInRequest, pk: int) -> Conversation:
    """The conversation, if the user may see it; a 404 otherwise."""
    rows = Conversation.objects.visible_to(request.user).select_related("credential", "added_by")
    return get_object_or_404(rows, pk=pk)


def visible_erasure(request: SignedInRequest, pk: int) -> Erasure:
    """The erasure, if the user may see it; a 404 otherwise."""
    return get_object_or_404(Erasure.objects.visible_to(request.user).for_list(), pk=pk)


def visible_job(request: SignedInRequest, pk: int) -> Job:
    """The job, if the user may see it; a 404 otherwise."""
    return get_object_or_404(Job.objects.visible_to(request.user).select_related("actor"), pk=pk)


def may_download(request: SignedInRequest, job: Job) -> bool:
    """Whether the files of an export are there, and for the user: who asked for it, and may still see all of it."""
    is_theirs = job.actor == request.user and job.is_wholly_visible_to(request.user)
    return is_theirs and export_file.is_available(job)


def requested_page(
    request: SignedInRequest,
    rows: QuerySet[Any],
    kept: Mapping[str, str] | None = None,
    *,
    visible_to: User | None = None,
) -> dict[str, Any]:
    """The page of rows, newest first, that the URL asks for, and the URLs of the pages beside it, which have the
    parameters in `kept` too. `visible_to`: for records, only those that this user may see."""
    cursors = {name: request.GET.get(name, "") for name in ("before", "after")}
    page = keyset_page(rows, "pk", **cursors, size=settings.PAGE_SIZE, visible_to=visible_to)
    kept = kept or {}
    return {
        "page": page,
        "newer_url": f"?{urlencode({**kept, 'after': page.newer})}" if page.newer else "",
        "older_url": f"?{urlencode({**kept, 'before': page.older})}" if page.older else "",
    }


def requested_search(request: SignedInRequest) -> tuple[ListState, Search]:
    """The state of the list that the URL asks for, as far as the search can answer it (R24)."""
    state = ListState.from_query(dict(request.GET.lists()))
    search = Search.for_user(state.query, request.user)
    return state.answering(search.query), search


def requested_transcript(request: SignedInRequest, conversation: Conversation) -> TranscriptState:
    """The part of the transcript that the URL asks for; a cursor that can't be an id counts as none.

    Markdown is rendered unless the URL says otherwise if it's from OpenAI itself: another server isn't trusted as much.
    """
    parameters = dict(request.GET.lists())
    for name in ("item_after", "item_before", "item_at"):
        if not is_legal_item_id(request.GET.get(name, "")):
            parameters.pop(name, None)
    return TranscriptState.from_query(parameters, renders=conversation.credential.is_openai)
