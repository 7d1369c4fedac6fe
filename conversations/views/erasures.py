"""Erasing a conversation: starting, continuing, stopping, and the receipt."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ..exports.receipt import CANNOT_BE_KNOWN, receipt
from ..forms.erasures import EraseForm
from ..models import Conversation, Credential, Erasure, Event
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..services.erasures import close_erasure, resume_erasure, start_erasure, stop_erasure, wait_before_next, work_on
from ..services.errors import BeingChanged, ServiceError
from ..services.items import count_items
from .access import requested_page, visible_conversation, visible_erasure
from .outcomes import attempted, read_or_failure

ITEMS_SHOWN = 200
POLL = 2  # seconds between looks at an erasure that somebody else works on


@require_safe
@permission_required("conversations.view_erasure", raise_exception=True)
def erasure_list(request: SignedInRequest) -> HttpResponse:
    context = requested_page(request, Erasure.objects.summaries(), visible_to=request.user)
    return responses.page(request, "conversations/erasure_list.html", context, fragments=["erasures"])


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.delete_conversation", raise_exception=True)
def erasure_create(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    current = Erasure.objects.visible_to(request.user).unfinished().about(conversation).first()
    if current is not None:
        return redirect(current)
    if request.method != "POST":
        return _create_page(request, conversation, EraseForm(conversation=conversation))
    form = EraseForm(request.POST, conversation=conversation, user=request.user)
    return attempted(
        request,
        form,
        lambda: _start(request, conversation, form),
        lambda status: _create_page(request, conversation, form, status=status),
    )


@require_safe
@permission_required("conversations.view_erasure", raise_exception=True)
def erasure_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    return _page(request, visible_erasure(request, pk))


@require_safe
@permission_required("conversations.view_erasure", raise_exception=True)
def erasure_receipt(request: SignedInRequest, pk: int) -> HttpResponse:
    erasure = visible_erasure(request, pk)
    return responses.json_file(receipt(erasure), f"erasure {erasure.openai_id[:80]}.json")


@require_POST
@permission_required("conversations.delete_conversation", raise_exception=True)
def erasure_step(request: SignedInRequest, pk: int) -> HttpResponse:
    """The page posts this by itself. It continues a running erasure, never one that was stopped."""
    return _work(request, visible_erasure(request, pk))


@require_POST
@permission_required("conversations.delete_conversation", raise_exception=True)
def erasure_resume(request: SignedInRequest, pk: int) -> HttpResponse:
    erasure = visible_erasure(request, pk)
    try:
        return _work(request, resume_erasure(erasure=erasure))
    except ServiceError as error:
        return _respond(request, erasure, problem=str(error))


@require_POST
@permission_required("conversations.delete_conversation", raise_exception=True)
def erasure_stop(request: SignedInRequest, pk: int) -> HttpResponse:
    return _respond(request, stop_erasure(actor=request.user, erasure=visible_erasure(request, pk)))


@require_POST
@permission_required("conversations.delete_conversation", raise_exception=True)
def erasure_close(request: SignedInRequest, pk: int) -> HttpResponse:
    erasure = visible_erasure(request, pk)
    try:
        return _respond(request, close_erasure(actor=request.user, erasure=erasure))
    except ServiceError as error:
        return _respond(request, erasure, problem=str(error))


def _start(request: SignedInRequest, conversation: Conversation, form: EraseForm) -> HttpResponse:
    reason, token = form.cleaned_data["reason"], form.cleaned_data["token"]
    return redirect(start_erasure(actor=request.user, conversation=conversation, reason=reason, token=token))


def _work(request: SignedInRequest, erasure: Erasure) -> HttpResponse:
    try:
        return _respond(request, work_on(actor=request.user, erasure=erasure))
    except BeingChanged as error:
        return _respond(request, erasure, problem=str(error))


def _respond(request: SignedInRequest, erasure: Erasure, problem: str = "") -> HttpResponse:
    """The part of the page that changes; without JavaScript, the page."""
    if responses.is_requested(request, "erasure"):
        return _page(request, erasure, problem)
    if problem:
        messages.error(request, problem)
    return redirect(erasure)


def _page(request: SignedInRequest, erasure: Erasure, problem: str = "") -> HttpResponse:
    # The page of the person who runs it drives the work, by posting steps; everybody else's only polls.
    run = erasure.events.pending().first()
    may_work = request.user.has_perm("conversations.delete_conversation")
    is_mine = run is not None and run.actor_id == request.user.pk and run.is_pending
    context: dict[str, Any] = {
        "erasure": erasure,
        "numbers": erasure.numbers,
        "refused": erasure.items.refused()[:ITEMS_SHOWN],
        "items": erasure.items.all()[:ITEMS_SHOWN],
        "runs": erasure.events.order_by("pk"),
        "run": run,
        "problem": problem,
        "is_watched": erasure.is_running and not is_mine and run is not None and run.is_pending,
        "is_driven": erasure.is_running and is_mine and may_work,
        "wait": f"{max(wait_before_next(erasure), POLL if problem else 0):.1f}",
        "poll": POLL,
        "rate": _rate(erasure, run),
        "cannot_be_known": CANNOT_BE_KNOWN,
        "credentials": Credential.objects.visible_to(request.user).keys(),
    }
    return responses.page(request, "conversations/erasure_detail.html", context, fragments=["erasure"])


def _rate(erasure: Erasure, run: Event | None) -> int:
    """Items per minute since the current run started; 0 while it is too early to say."""
    seconds = (timezone.now() - run.created_at).total_seconds() if run is not None else 0
    return round(erasure.items.done_since(run.created_at) * 60 / seconds) if run is not None and seconds > 10 else 0


def _create_page(
    request: SignedInRequest, conversation: Conversation, form: EraseForm, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"conversation": conversation, "form": form}
    if request.GET.get("count"):
        found, _ = read_or_failure(lambda: {"counted": count_items(conversation=conversation)})
        context |= found
    return responses.page(
        request, "conversations/erasure_create.html", context, fragments=["item-count"], status=status
    )
