"""`manage.py worker` with short leases, so that a test needn't wait a minute for a dead worker's batch."""

from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from conversations.jobs import settling  # noqa: E402
from conversations.jobs.kinds import recorded  # noqa: E402
from conversations.models import event, event_queryset, job, job_batch  # noqa: E402
from conversations.services import erasures  # noqa: E402

job_batch.LEASE = job.PREPARATION_LEASE = timedelta(seconds=2)
event.PENDING_FOR = event_queryset.PENDING_FOR = timedelta(seconds=4)
recorded.LOCKED_DELAY = 1.0
erasures.LEASE_MARGIN, erasures.SECONDS_A_STEP, erasures.WAIT_FOR_OTHERS = 1.0, 2.5, 0.5
settling.RETRY_DELAY = 0.1
settling.MAX_ATTEMPTS = 10
call_command("worker")
