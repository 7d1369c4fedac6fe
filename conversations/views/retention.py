"""Retention rules: the list, the dry run, editing, approving, pausing and deleting."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ..forms.holds import RuleForm
from ..jobs import control
from ..jobs.retention import DryRun, dry_run, dry_run_among
from ..models import RetentionRule, SavedView
from ..pages import responses
from ..pages.job_progress import JobProgress
from ..pages.list_state import ListState
from ..pages.responses import SignedInRequest
from .access import requested_search

LOOK = "conversations.view_retentionrule"
CHANGE = "conversations.change_retentionrule"
RUNS_SHOWN = 10


@require_safe
@permission_required(LOOK, raise_exception=True)
def retention_rule_list(request: SignedInRequest) -> HttpResponse:
    rows = RetentionRule.objects.visible_to(request.user).for_list()
    return responses.page(request, "conversations/retention_rule_list.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.add_retentionrule", raise_exception=True)
def retention_rule_create(request: SignedInRequest) -> HttpResponse:
    if request.method == "POST":
        return _saved(request, RuleForm(request.POST, user=request.user))
    state, search = requested_search(request)
    query = str(state.query) if "q" in request.GET else ""
    initial = {"query": query, "every_hours": 24, "age_days": 30, "credentials": list(search.names)}
    return _form_page(request, RuleForm(user=request.user, initial=initial))


@require_safe
@permission_required(LOOK, raise_exception=True)
def retention_rule_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    rule = _visible(request, pk)
    runs = [(job, JobProgress(job)) for job in rule.jobs.order_by("-pk")[:RUNS_SHOWN]]
    context = {
        "rule": rule,
        "run": dry_run(rule),
        "runs": runs,
        "limit": settings.BULK_LIMIT,
        "state": ListState.from_query({"q": [rule.dated_query]}),
        "may_approve": _may_approve(request, rule),
    }
    return responses.page(request, "conversations/retention_rule_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(CHANGE, raise_exception=True)
def retention_rule_edit(request: SignedInRequest, pk: int) -> HttpResponse:
    rule = _visible(request, pk)
    if request.method == "POST":
        return _saved(request, RuleForm(request.POST, user=request.user, instance=rule))
    return _form_page(request, RuleForm(user=request.user, instance=rule))


@require_POST
@permission_required(CHANGE, raise_exception=True)
def retention_rule_approve(request: SignedInRequest, pk: int) -> HttpResponse:
    rule = _visible(request, pk)
    if not _may_approve(request, rule):
        messages.error(request, "Somebody other than its author has to approve a rule.")
    elif request.POST.get("seen") != rule.changed_at.isoformat() or not rule.approve(by=request.user):
        messages.error(request, "The rule has changed since you looked at it. Look at it again, then approve it.")
    else:
        messages.success(request, "The rule is active. Its first run starts within a minute.")
    return redirect(rule)


@require_POST
@permission_required(CHANGE, raise_exception=True)
def retention_rule_pause(request: SignedInRequest, pk: int) -> HttpResponse:
    rule = _visible(request, pk)
    rule.is_paused = request.POST.get("paused") == "1"
    rule.save(update_fields=["is_paused"])
    if rule.is_paused:
        _pause_runs(rule)
    messages.success(request, "The rule is paused, and so is its run." if rule.is_paused else "The rule goes on.")
    return redirect(rule)


@require_POST
@permission_required("conversations.delete_retentionrule", raise_exception=True)
def retention_rule_delete(request: SignedInRequest, pk: int) -> HttpResponse:
    rule = _visible(request, pk)
    _pause_runs(rule)
    rule.delete()
    messages.success(request, f"The rule “{rule.name}” was deleted. What its jobs did stays on record.")
    return redirect("retention_rule_list")


def _saved(request: SignedInRequest, form: RuleForm) -> HttpResponse:
    if not form.is_valid():
        return _form_page(request, form, status=responses.REJECTED)
    if request.POST.get("do") == "preview":
        return _form_page(request, form, run=dry_run_among(form.instance, form.cleaned_data["credentials"]))
    rule = form.saved()
    _pause_runs(rule)
    messages.success(request, "The rule was saved. It runs once it is approved.")
    return redirect(rule)


def _form_page(
    request: SignedInRequest, form: RuleForm, *, run: DryRun | None = None, status: int = 200
) -> HttpResponse:
    views = SavedView.objects.visible_to(request.user).for_list(request.user)
    context = {"form": form, "rule": form.instance, "views": views, "run": run, "limit": settings.BULK_LIMIT}
    return responses.page(
        request, "conversations/retention_rule_form.html", context, fragments=["rule-form"], status=status
    )


def _pause_runs(rule: RetentionRule) -> None:
    """What a rule has begun waits until somebody resumes or stops the job."""
    for job in rule.jobs.under_way():
        control.pause(job)


def _may_approve(request: SignedInRequest, rule: RetentionRule) -> bool:
    is_other = rule.author_id != request.user.pk or not settings.RETENTION_NEEDS_APPROVAL
    return not rule.is_approved and is_other and request.user.has_perm(CHANGE)


def _visible(request: SignedInRequest, pk: int) -> RetentionRule:
    return get_object_or_404(RetentionRule.objects.visible_to(request.user), pk=pk)
