"""Erasure requests: what is held of an end user is found, exported, erased, and signed off."""

import json

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ..forms.holds import ErasureRequestForm
from ..jobs.drafts import Nothing, TooMany, draft_of_request
from ..jobs.erasure_requests import document_of, document_text, found_by, is_under_way, searches_of
from ..models import Credential, ErasureRequest, JobKind
from ..pages import responses
from ..pages.job_progress import JobProgress
from ..pages.responses import SignedInRequest
from .access import requested_page

LOOK = "conversations.view_erasurerequest"
ADD = "conversations.add_erasurerequest"
DELETE = "conversations.delete_conversation"


@require_safe
@permission_required(LOOK, raise_exception=True)
def erasure_request_list(request: SignedInRequest) -> HttpResponse:
    context = requested_page(request, ErasureRequest.objects.visible_to(request.user))
    return responses.page(request, "conversations/erasure_request_list.html", context, fragments=["requests"])


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(ADD, raise_exception=True)
def erasure_request_create(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return _form_page(request, ErasureRequestForm())
    draft = ErasureRequestForm(draft=request.POST)
    if draft.act(request.POST.get("do", "")):
        return _form_page(request, draft)
    form = ErasureRequestForm(request.POST, user=request.user)
    if not form.is_valid():
        return _form_page(request, form, status=responses.REJECTED)
    return redirect(ErasureRequest.objects.with_token(form.cleaned_data["token"]) or _open(request, form))


@require_safe
@cache_control(no_store=True)
@permission_required(LOOK, raise_exception=True)
def erasure_request_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    erasure_request = _visible(request, pk)
    context = {
        "request_": erasure_request,
        "jobs": [(job, JobProgress(job)) for job in erasure_request.jobs.order_by("pk") if job.state != "draft"],
        "earlier": erasure_request.earlier() & ErasureRequest.objects.visible_to(request.user),
    }
    if erasure_request.is_signed:
        context["document"] = json.loads(erasure_request.document)
    else:
        context |= {"found": found_by(erasure_request, request.user), "is_under_way": is_under_way(erasure_request)}
    return responses.page(request, "conversations/erasure_request_detail.html", context)


@require_POST
@permission_required(ADD, raise_exception=True)
def erasure_request_export(request: SignedInRequest, pk: int) -> HttpResponse:
    return _draft(request, pk, JobKind.EXPORT)


@require_POST
@permission_required([ADD, DELETE], raise_exception=True)
def erasure_request_erase(request: SignedInRequest, pk: int) -> HttpResponse:
    return _draft(request, pk, JobKind.ERASE)


@require_POST
@permission_required(ADD, raise_exception=True)
def erasure_request_sign(request: SignedInRequest, pk: int) -> HttpResponse:
    erasure_request = _visible(request, pk)
    problem = _problem_with_signing(request, erasure_request)
    if not problem and not erasure_request.is_signed:
        text = document_text(document_of(erasure_request, request.user))
        if not erasure_request.sign_off(by=request.user, document=text):
            problem = "Somebody else signed it off before, or one of its jobs has just begun. Look again."
    if problem:
        messages.error(request, problem)
    return redirect(erasure_request)


@require_safe
@permission_required(LOOK, raise_exception=True)
def erasure_request_document(request: SignedInRequest, pk: int) -> HttpResponse:
    erasure_request = _visible(request, pk)
    if not erasure_request.is_signed:
        raise Http404
    response = HttpResponse(erasure_request.document, content_type="application/json")
    return responses.as_file(response, f"erasure request {erasure_request.pk}.json")


def _problem_with_signing(request: SignedInRequest, erasure_request: ErasureRequest) -> str:
    if is_under_way(erasure_request):
        return "One of its jobs hasn’t ended. Wait for it, or stop it, then sign off."
    if not erasure_request.is_signed and found_by(erasure_request, request.user).is_cut:
        return "More conversations match than a document can list. Do these pairs really identify one person?"
    return ""


def _open(request: SignedInRequest, form: ErasureRequestForm) -> ErasureRequest:
    erasure_request = ErasureRequest(
        reference=form.cleaned_data["reference"],
        actor=request.user,
        actor_name=request.user.get_username(),
        token=form.cleaned_data["token"],
    )
    erasure_request.identify(form.cleaned_data["pairs"])
    erasure_request.save()
    erasure_request.credentials.set(Credential.objects.visible_to(request.user))
    return erasure_request


def _draft(request: SignedInRequest, pk: int, kind: JobKind) -> HttpResponse:
    erasure_request = _visible(request, pk)
    if erasure_request.is_signed:
        messages.error(request, "It was signed off, and its values are forgotten. Open another request.")
        return redirect(erasure_request)
    searches = searches_of(erasure_request, request.user)
    try:
        job = draft_of_request(actor=request.user, kind=kind, request=erasure_request, searches=searches)
    except (TooMany, Nothing) as problem:
        messages.error(request, str(problem))
        return redirect(erasure_request)
    return redirect("job_start", job.pk)


def _visible(request: SignedInRequest, pk: int) -> ErasureRequest:
    return get_object_or_404(ErasureRequest.objects.visible_to(request.user), pk=pk)


def _form_page(request: SignedInRequest, form: ErasureRequestForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "credentials": Credential.objects.visible_to(request.user)}
    return responses.page(
        request, "conversations/erasure_request_create.html", context, fragments=["metadata"], status=status
    )
