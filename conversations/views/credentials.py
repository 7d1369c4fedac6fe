"""Credentials: the list, the page of one, adding, editing, testing, switching off and deleting."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import ProtectedError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ..encryption import SealError
from ..forms.credential_editor import CredentialEditor
from ..models import Credential
from ..pages import credential_facts, responses
from ..pages.responses import SignedInRequest
from ..services.clients import check_credential, try_credential
from ..services.history import ADDITION, CHANGE, DELETION, history_of, record_change

LOOK = "conversations.view_credential"
ADD = "conversations.add_credential"
EDIT = "conversations.change_credential"
DELETE = "conversations.delete_credential"
FORM = "conversations/credential_form.html"


@require_safe
@permission_required(LOOK, raise_exception=True)
def credential_list(request: SignedInRequest) -> HttpResponse:
    rows = credential_facts.facts_of(Credential.objects.visible_to(request.user).for_list())
    return responses.page(request, "conversations/credential_list.html", {"rows": rows})


@require_safe
@permission_required(LOOK, raise_exception=True)
def credential_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    credential = _visible(request, pk)
    context = {
        "facts": credential_facts.facts_of([credential])[0],
        "uses": credential_facts.uses_of(credential, request.user),
        "key": _key_ending(credential),
        "history": history_of(credential)[:10],
    }
    return responses.page(request, "conversations/credential_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(ADD, raise_exception=True)
def credential_create(request: SignedInRequest) -> HttpResponse:
    return _edited(request, Credential(), ADDITION)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(EDIT, raise_exception=True)
def credential_edit(request: SignedInRequest, pk: int) -> HttpResponse:
    return _edited(request, _visible(request, pk), CHANGE)


@require_POST
@permission_required(EDIT, raise_exception=True)
def credential_test(request: SignedInRequest, pk: int) -> HttpResponse:
    credential = _visible(request, pk)
    passed = check_credential(credential=credential)
    messages.add_message(request, messages.SUCCESS if passed else messages.WARNING, credential.test_message)
    return redirect(credential)


@require_POST
@permission_required(EDIT, raise_exception=True)
def credential_activate(request: SignedInRequest, pk: int) -> HttpResponse:
    """Switches it on or off, as `active` says."""
    credential = _visible(request, pk)
    credential.is_active = request.POST.get("active") == "yes"
    credential.save(update_fields=["is_active", "changed_at"])
    done = "activated" if credential.is_active else "deactivated"
    record_change(request.user, credential, f"{done.capitalize()}.")
    messages.success(request, f"{credential.name} is {done}.")
    return redirect(credential)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(DELETE, raise_exception=True)
def credential_delete(request: SignedInRequest, pk: int) -> HttpResponse:
    credential = _visible(request, pk)
    context = {"credential": credential, "facts": credential_facts.facts_of([credential])[0]}
    if request.method != "POST":
        return responses.page(request, "conversations/credential_delete.html", context)
    key = credential.pk
    try:
        credential.delete()
    except ProtectedError:
        context["problem"] = "Something still needs it: its conversations, or a job that isn’t finished."
        return responses.page(request, "conversations/credential_delete.html", context, status=responses.REJECTED)
    credential.pk = key  # for the history
    record_change(request.user, credential, "Deleted.", flag=DELETION)
    messages.success(request, f"{credential.name} was deleted.")
    return redirect("credential_list")


def _edited(request: SignedInRequest, credential: Credential, flag: int) -> HttpResponse:
    """The form, the result of a test of what it holds, or a redirect to what it stored."""
    if request.method != "POST":
        return _form(request, CredentialEditor(credential, user=request.user))
    editor = CredentialEditor(credential, user=request.user, data=request.POST, files=request.FILES)
    if request.POST.get("do") == "test":
        return _form(request, editor, result=_tried(editor), is_test=True)
    saved = editor.saved()
    if saved is None:
        return _form(request, editor, status=responses.REJECTED)
    record_change(request.user, saved, editor.changes_in_words(is_new=flag == ADDITION), flag=flag)
    passed = check_credential(credential=saved) if saved.is_active and editor.changes_requests else True
    words = f"{saved.name} was saved. {saved.test_message if editor.changes_requests else ''}"
    messages.add_message(request, messages.SUCCESS if passed else messages.WARNING, words.strip())
    return redirect(saved)


def _tried(editor: CredentialEditor) -> tuple[bool | None, str] | None:
    """Whether the typed values work, and a sentence about it; None if they have to be corrected first."""
    try:
        values = editor.values_to_try()
    except SealError as error:
        return False, str(error)
    return None if values is None else try_credential(**values)


def _form(
    request: SignedInRequest,
    editor: CredentialEditor,
    *,
    result: tuple[bool | None, str] | None = None,
    is_test: bool = False,
    status: int = 200,
) -> HttpResponse:
    credential = editor.form.instance
    context: dict[str, Any] = {
        "editor": editor,
        "form": editor.form,
        "credential": credential,
        "key": _key_ending(credential) if credential.pk else "",
        "result": result,
        "is_test": is_test,
    }
    return responses.page(request, FORM, context, fragments=["test-result"], status=status)


def _key_ending(credential: Credential) -> str:
    try:
        return credential.key_ending()
    except SealError as error:
        return str(error)


def _visible(request: SignedInRequest, pk: int) -> Credential:
    return get_object_or_404(Credential.objects.visible_to(request.user), pk=pk)
