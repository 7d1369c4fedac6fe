"""Jobs on what a search finds: drafted from a selection, looked at, started, undone; what they leave to download."""

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ..exports import job_export
from ..exports.job_receipt import job_receipt, receipts
from ..forms.bulk import START_FORMS, StartForm
from ..jobs import control
from ..jobs.drafts import Nothing, TooMany, draft_of_rows, draft_of_search, draft_of_undo
from ..jobs.kinds import KINDS
from ..jobs.previews import Preview, preview_of
from ..models import Job, JobKind, JobState
from ..models.keys import as_keys
from ..pages import responses
from ..pages.job_progress import in_words
from ..pages.list_state import ListState
from ..pages.responses import SignedInRequest
from ..services.downloads import record_download
from .access import may_download, requested_search, visible_job

LOOK = "conversations.view_conversation"
CHOSEN = {JobKind.EDIT, JobKind.REMOVE, JobKind.ERASE, JobKind.TRANSFER, JobKind.EXPORT}  # from a selection
DELETE = "delete"  # asks whether to erase or to remove
PAGES_OF_CHOICE = {"hold": "hold_create", DELETE: "job_create"}


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(LOOK, raise_exception=True)
def job_create(request: SignedInRequest) -> HttpResponse:
    """Draft a job on the selected rows, or on all that match. A GET asks how to delete them."""
    if request.method != "POST":
        return _ways_to_delete(request)
    state, search = requested_search(request)
    kind = request.POST.get("do", "")
    keys, are_all = _picked(request.POST), request.POST.get("all") == "1"
    if kind in PAGES_OF_CHOICE:
        which = [*state.pairs, ("all", "1")] if are_all else [("pick", str(key)) for key in keys]
        return redirect(f"{reverse(PAGES_OF_CHOICE[kind])}?{urlencode(which)}")
    if kind not in CHOSEN:
        return _refused(request, state, "Choose what to do with the conversations.")
    if not request.user.has_perm(KINDS[kind].permission):
        raise PermissionDenied
    try:
        if not are_all:
            job = draft_of_rows(actor=request.user, kind=kind, keys=keys)
        elif state.query.problems:
            return _refused(request, state, "Nothing was chosen: correct the search first.")
        else:
            job = draft_of_search(actor=request.user, kind=kind, search=search, query=str(state.query))
    except (TooMany, Nothing) as problem:
        return _refused(request, state, str(problem))
    return redirect("job_start", job.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(LOOK, raise_exception=True)
def job_start(request: SignedInRequest, pk: int) -> HttpResponse:
    job = _own_draft(request, pk)
    if job.state != JobState.DRAFT:
        return redirect(job)
    do = request.POST.get("do", "")
    if do == "discard":
        control.discard(job)
        messages.info(request, "Nothing was done.")
        return redirect("conversation_list")
    form_class = START_FORMS[job.kind]
    if request.method != "POST":
        return _start_page(request, job, form_class(job=job, user=request.user))
    draft = form_class(job=job, user=request.user, draft=request.POST)
    if draft.act(do):
        return _start_page(request, job, draft)
    form = form_class(request.POST, job=job, user=request.user)
    if not form.is_valid():
        return _start_page(request, job, form, status=responses.REJECTED)
    return _start_or_preview(request, job, form, is_start=do == "start")


@require_POST
@permission_required("conversations.change_conversation", raise_exception=True)
def job_undo(request: SignedInRequest, pk: int) -> HttpResponse:
    job = visible_job(request, pk)
    if job.kind not in (JobKind.EDIT, JobKind.UNDO):
        raise Http404
    try:
        return redirect("job_start", draft_of_undo(actor=request.user, job=job).pk)
    except TooMany as problem:
        messages.error(request, str(problem))
    except Nothing:
        messages.info(request, "There’s nothing to undo: this job edited nothing that you can use.")
    return redirect(job)


@require_safe
@permission_required("conversations.view_erasure", raise_exception=True)
def job_receipt_file(request: SignedInRequest, pk: int) -> HttpResponse:
    job = _erasing_job(request, pk)
    return responses.json_file(job_receipt(job), f"job {job.pk} receipt.json")


@require_safe
@permission_required("conversations.view_erasure", raise_exception=True)
def job_receipts_file(request: SignedInRequest, pk: int) -> HttpResponseBase:
    job = _erasing_job(request, pk)
    content = [] if request.method == "HEAD" else receipts(job)
    response = StreamingHttpResponse(content, content_type="application/x-ndjson")
    return responses.as_file(response, f"job {job.pk} receipts.jsonl")


@require_safe
@cache_control(no_store=True)
@permission_required(LOOK, raise_exception=True)
def job_export_file(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """The files of an export, for who asked for it."""
    job = visible_job(request, pk)
    if not may_download(request, job):
        raise Http404
    extension = job_export.extension_of(job)
    response = StreamingHttpResponse([], content_type=job_export.CONTENT_TYPES[extension])
    if request.method != "HEAD":
        record_download(actor=request.user, job=job)
        response.streaming_content = job_export.chunks(job)
    return responses.as_file(response, f"export {job.pk}.{extension}")


def _picked(parameters: QueryDict) -> list[int]:
    return as_keys(parameters.getlist("pick"))


def _ways_to_delete(request: SignedInRequest) -> HttpResponse:
    state, _ = requested_search(request)
    keys, are_all = _picked(request.GET), request.GET.get("all") == "1"
    if not request.user.has_perm(KINDS[JobKind.ERASE].permission):
        raise PermissionDenied
    if not keys and not are_all:
        return _refused(request, state, "Select at least one conversation.")
    context = {"state": state, "keys": [] if are_all else keys, "are_all": are_all}
    return responses.page(request, "conversations/job_create.html", context)


def _refused(request: SignedInRequest, state: ListState, problem: str) -> HttpResponse:
    messages.error(request, problem)
    return redirect(reverse("conversation_list") + state.url)


def _own_draft(request: SignedInRequest, pk: int) -> Job:
    """The job, which its actor alone may start, if they still may do it."""
    job = visible_job(request, pk)
    is_listed = job.total is not None or job.state != JobState.DRAFT
    if job.kind not in START_FORMS or job.actor != request.user or not is_listed:
        raise Http404
    if not request.user.has_perm(KINDS[job.kind].permission):
        raise PermissionDenied
    return job


def _erasing_job(request: SignedInRequest, pk: int) -> Job:
    job = visible_job(request, pk)
    if job.kind != JobKind.ERASE or not job.is_wholly_visible_to(request.user):
        raise Http404
    return job


def _start_or_preview(request: SignedInRequest, job: Job, form: StartForm, *, is_start: bool) -> HttpResponse:
    job.parameters, job.reason = {**job.parameters, **form.parameters()}, form.cleaned_data["reason"]
    if not is_start or not form.is_previewed:
        form.has_preview = True
        return _start_page(request, job, form, is_outdated=is_start)
    if not control.start(job):
        messages.info(request, "It was started or discarded before.")
    return redirect(job)


def _start_page(
    request: SignedInRequest, job: Job, form: StartForm, *, status: int = 200, is_outdated: bool = False
) -> HttpResponse:
    preview: Preview = preview_of(job)
    context = {
        "job": job,
        "form": form,
        "preview": preview,
        "has_preview": form.has_preview,
        "is_outdated": is_outdated,
        "estimate": in_words(preview.seconds),
        "state": ListState.from_query({"q": [job.query]}) if job.query else None,
        "limit": settings.EXPORT_MAX_MB,
        "kept_hours": settings.EXPORT_KEPT_HOURS,
    }
    return responses.page(request, "conversations/job_start.html", context, fragments=["start"], status=status)
