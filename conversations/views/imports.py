"""Importing ids: the form, and the draft that shows what was recognised."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from ..forms.jobs import ImportForm, ShapeForm
from ..importing import Format, ImportProblem
from ..jobs import control
from ..jobs.imports import choose_shape, create_import, preview_of
from ..jobs.kinds.imports import credentials_of, shape_of
from ..models import Job, JobState
from ..pages import responses
from ..pages.responses import SignedInRequest
from .access import visible_job

START, DISCARD = "start", "discard"


@csrf_exempt  # the handler has to be set before anything reads the form; the inner view is protected
@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.add_conversation", raise_exception=True)
def import_create(request: SignedInRequest) -> HttpResponse:
    # A large file goes through a temporary one, and from there into the database.
    request.upload_handlers = [TemporaryFileUploadHandler(request)]
    return _create(request)


@csrf_protect
def _create(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return _form_page(request, ImportForm(user=request.user))
    draft = ImportForm(user=request.user, draft=request.POST)
    if draft.act(request.POST.get("do", "")):
        return _form_page(request, draft)
    form = ImportForm(request.POST, request.FILES, user=request.user)
    if not form.is_valid():
        return _form_page(request, form, status=responses.REJECTED)
    earlier = Job.objects.with_token(form.cleaned_data["token"])
    if earlier is not None:
        messages.info(request, "This form was already sent. This is its result.")
        return redirect(earlier)
    try:
        return redirect("import_preview", _make(request, form).pk)
    except ImportProblem as problem:
        form.add_error("file" if form.cleaned_data["file"] is not None else "text", str(problem))
        return _form_page(request, form, status=responses.REJECTED)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.add_conversation", raise_exception=True)
def import_preview(request: SignedInRequest, pk: int) -> HttpResponse:
    job = visible_job(request, pk)
    if job.state != JobState.DRAFT:
        return redirect(job)
    if request.method != "POST":
        return _preview_page(request, job)
    if request.POST.get("do") == DISCARD:
        control.discard(job)
        messages.info(request, "The import was discarded. Nothing was imported.")
        return redirect("import_create")
    form = ShapeForm(request.POST) if shape_of(job).format == Format.CSV else None
    if form is not None:
        if not form.is_valid():
            return _preview_page(request, job, form, status=responses.REJECTED)
        choose_shape(job, replace(shape_of(job), column=form.cleaned_data["column"]))
    if request.POST.get("do") != START:
        return _preview_page(request, job, form)
    control.start(job)
    return redirect(job)


def _make(request: SignedInRequest, form: ImportForm) -> Job:
    cleaned = form.cleaned_data
    return create_import(
        actor=request.user,
        credentials=form.credentials,
        chunks=form.chunks(),
        file_name=form.file_name,
        read=cleaned["read"] != "later",
        tags=cleaned["tags"],
        reason=cleaned["reason"],
        token=cleaned["token"],
    )


def _form_page(request: SignedInRequest, form: ImportForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "credential": None}
    return responses.page(request, "conversations/import_create.html", context, status=status)


def _preview_page(
    request: SignedInRequest, job: Job, form: ShapeForm | None = None, *, status: int = 200
) -> HttpResponse:
    try:
        preview, problem = preview_of(job), ""
    except ImportProblem as error:
        preview, problem = None, str(error)
    context: dict[str, Any] = {"job": job, "preview": preview, "problem": problem, "form": form, "shape": shape_of(job)}
    context["credentials"] = credentials_of(job)
    return responses.page(request, "conversations/import_preview.html", context, fragments=["preview"], status=status)
