"""`manage.py worker` with short leases, so that a test needn't wait a minute for a dead worker's batch."""

from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from conversations.jobs import settling  # noqa: E402
from conversations.models import job, job_batch  # noqa: E402

job_batch.LEASE = job.PREPARATION_LEASE = timedelta(seconds=2)
settling.RETRY_DELAY = 0.1
settling.MAX_ATTEMPTS = 10
call_command("worker")
