"""Jobs: the list, the page of one, its buttons, and its results as a file."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from ..exports import job_results
from ..forms.bulk import START_FORMS
from ..jobs import control
from ..jobs.kinds import KINDS
from ..models import Conversation, Job, JobKind, JobOutcome, JobState, export_file
from ..models.worker import Worker
from ..pages import responses
from ..pages.job_progress import JobProgress
from ..pages.responses import SignedInRequest
from .access import may_download, requested_page, visible_job

CHANGE = "conversations.change_conversation"
POLL = 2  # seconds between two looks at a job that is under way


@require_safe
@permission_required("conversations.view_job", raise_exception=True)
def job_list(request: SignedInRequest) -> HttpResponse:
    with_automatic = request.GET.get("show") == "all"
    rows = Job.objects.visible_to(request.user).for_list(request.user, with_automatic=with_automatic)
    kept = {"show": "all"} if with_automatic else {}
    context = requested_page(request, rows, kept)
    context["rows"] = [(job, JobProgress(job)) for job in context["page"].rows]
    context |= {"with_automatic": with_automatic, "is_waiting": _nobody_works(context["page"].rows)}
    return responses.page(request, "conversations/job_list.html", context, fragments=["jobs"])


@require_safe
@permission_required("conversations.view_job", raise_exception=True)
def job_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    job = visible_job(request, pk)
    if job.state == JobState.DRAFT:
        return redirect("import_preview" if job.kind == JobKind.IMPORT else "job_start", job.pk)
    return _page(request, job)


@require_safe
@cache_control(no_store=True)
@permission_required("conversations.view_job", raise_exception=True)
def job_results_file(request: SignedInRequest, pk: int) -> HttpResponseBase:
    job = visible_job(request, pk)
    items = job.items.visible_to(request.user).with_outcome(_requested_outcome(request))
    content = [] if request.method == "HEAD" else job_results.chunks(items)
    response = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
    return responses.as_file(response, f"job {job.pk} results.csv")


@require_POST
@permission_required("conversations.view_job", raise_exception=True)
def job_pause(request: SignedInRequest, pk: int) -> HttpResponse:
    return _press(request, pk, control.pause)


@require_POST
@permission_required("conversations.view_job", raise_exception=True)
def job_resume(request: SignedInRequest, pk: int) -> HttpResponse:
    return _press(request, pk, control.resume)


@require_POST
@permission_required("conversations.view_job", raise_exception=True)
def job_stop(request: SignedInRequest, pk: int) -> HttpResponse:
    return _press(request, pk, control.stop)


@require_POST
@permission_required("conversations.view_job", raise_exception=True)
def job_retry(request: SignedInRequest, pk: int) -> HttpResponse:
    return _press(request, pk, control.retry)


def _press(request: SignedInRequest, pk: int, change: Callable[[Job], bool]) -> HttpResponse:
    """Carry out a button. Where somebody else, or the job itself, was faster, the page says so and shows how it is."""
    job = visible_job(request, pk)
    if not _may_press(request, job, change.__name__):
        raise PermissionDenied
    problem = "" if change(job) else "The job had changed before. This is how it is now."
    if responses.is_requested(request, "job"):
        return _page(request, visible_job(request, pk), problem)
    if problem:
        messages.info(request, problem)
    return redirect(job)


def _page(request: SignedInRequest, job: Job, problem: str = "") -> HttpResponse:
    outcome = _requested_outcome(request)
    progress = JobProgress(job)
    items = job.items.visible_to(request.user).with_outcome(outcome).select_related("credential")
    context: dict[str, Any] = requested_page(request, items, {"outcome": outcome} if outcome else {})
    keys = [item.conversation_id for item in context["page"].rows]
    context |= {
        "job": job,
        "progress": progress,
        "outcome": outcome,
        "filter": f"?outcome={outcome}" if outcome else "",
        "problem": problem,
        "buttons": [button for button in progress.buttons if _may_press(request, job, button.name)],
        "visible": Conversation.objects.visible_to(request.user).in_bulk(filter(None, keys)),
        "is_waiting": _nobody_works([job]),
        "is_fragment": responses.is_requested(request, "job"),
        "poll": POLL,
        **_downloads(request, job),
    }
    return responses.page(request, "conversations/job_detail.html", context, fragments=["job", "items"])


def _downloads(request: SignedInRequest, job: Job) -> dict[str, Any]:
    """What an export has to offer to who asked for it."""
    return {"is_downloadable": may_download(request, job), "expires_at": export_file.expires_at(job)}


def _may_control(request: SignedInRequest, job: Job) -> bool:
    """Whether the user may press its buttons: their own, or with the right to change conversations."""
    is_theirs = job.actor == request.user
    return request.user.has_perm(KINDS[job.kind].permission) and (is_theirs or request.user.has_perm(CHANGE))


def _may_press(request: SignedInRequest, job: Job, button: str) -> bool:
    """Nobody lets a job change something in somebody else's name: only its actor resumes or retries it."""
    is_own = job.actor == request.user or job.kind not in START_FORMS or button not in ("resume", "retry")
    return is_own and _may_control(request, job)


def _requested_outcome(request: SignedInRequest) -> str:
    """The outcome by which the items are filtered; "" for all."""
    outcome = request.GET.get("outcome", "")
    return outcome if outcome in JobOutcome.values else ""


def _nobody_works(jobs: list[Job]) -> bool:
    """Whether one of these jobs waits for a worker, and none runs."""
    waits = any(job.state in (JobState.QUEUED, JobState.RUNNING, JobState.STOPPING) for job in jobs)
    return waits and not Worker.objects.running().exists()
