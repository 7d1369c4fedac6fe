"""Copying a conversation: what can be copied, and how far a copy got."""

from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from ..forms.conversations import CopyForm
from ..metadata import as_text
from ..models import Conversation
from ..openai.errors import OpenAIError
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..services.copies import Copy, Position, continue_copy, plan_copy, recorded_copy, start_copy
from ..services.errors import AlreadySubmitted, CredentialUnusable
from .access import visible_conversation
from .additions import show_rest
from .outcomes import attempted, read_or_failure

# A copy that goes on adds to a conversation, which adding alone must not allow.
PERMISSIONS = ("conversations.add_conversation", "conversations.change_conversation")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(PERMISSIONS, raise_exception=True)
def conversation_copy(request: SignedInRequest, pk: int) -> HttpResponse:
    source = visible_conversation(request, pk)
    if request.method != "POST":
        return _page(request, source, CopyForm(user=request.user, source=source))
    form = CopyForm(request.POST, user=request.user, source=source)
    return attempted(
        request,
        form,
        lambda: _copied(request, source, _copy(request, source, form)),
        lambda status: _page(request, source, form, status=status),
    )


def _copy(request: SignedInRequest, source: Conversation, form: CopyForm) -> Copy:
    """How far this request got or, if the form was sent before, how far it got then."""
    sent = form.cleaned_data
    position = Position(sent["after"], *(sent[name] or 0 for name in ("skip", "copied", "left_out")))
    try:
        return _send(request, source, sent, position)
    except AlreadySubmitted as error:
        with suppress(OpenAIError, CredentialUnusable):
            copy = recorded_copy(source=source, position=position, token=sent["token"])
            if copy and not copy.is_complete and copy.addition.conversation.is_visible_to(request.user):
                return copy
        raise error


def _send(request: SignedInRequest, source: Conversation, sent: dict[str, Any], position: Position) -> Copy:
    if sent["target"] is None:
        metadata = {key: as_text(value) for key, value in source.metadata.items()} if sent["with_metadata"] else {}
        return start_copy(
            actor=request.user,
            source=source,
            credential=sent["credential"],
            metadata=metadata,
            token=sent["token"],
        )
    target = visible_conversation(request, sent["target"])
    return continue_copy(actor=request.user, source=source, target=target, position=position, token=sent["token"])


def _copied(request: SignedInRequest, source: Conversation, copy: Copy) -> HttpResponse:
    """The page of the copy or, if it isn't complete, how far it got."""
    target, position = copy.addition.conversation, copy.position
    if copy.is_complete:
        _report(request, copy)
        return redirect(target)
    form = CopyForm(user=request.user, source=source)
    status, problem = show_rest(form, copy.addition)
    context = {"target": target, "copy": copy, "position": position, "problem": problem}
    return _render(request, source, form, context, status)


def _report(request: SignedInRequest, copy: Copy) -> None:
    position, addition = copy.position, copy.addition
    left_out = f" {position.left_out} couldn’t be copied." if position.left_out else ""
    messages.success(request, f"Copied: {position.copied} item{'' if position.copied == 1 else 's'}.{left_out}")
    if addition.kept is not None and addition.kept < addition.added:
        messages.warning(request, f"The server kept only {addition.kept} of the last {addition.added}.")


def _page(request: SignedInRequest, source: Conversation, form: CopyForm, *, status: int = 200) -> HttpResponse:
    """The form, with what can be copied; or with how far the copy got, if it was begun."""
    if form.is_continued:
        sent = {name: form[name].value() or "" for name in ("after", "skip", "copied", "left_out")}
        target = visible_conversation(request, form.cleaned_data.get("target") or 0)
        return _render(request, source, form, {"target": target, "position": sent}, status)
    if status not in (200, responses.REJECTED):  # something failed just now: what it was matters more
        return _render(request, source, form, {}, status)
    found, read_status = read_or_failure(lambda: {"plan": plan_copy(source=source)})
    return _render(request, source, form, found, status if status != 200 else read_status)


def _render(
    request: SignedInRequest, source: Conversation, form: CopyForm, context: dict[str, Any], status: int
) -> HttpResponse:
    context = {"conversation": source, "form": form, **context}
    return responses.page(request, "conversations/conversation_copy.html", context, status=status)
