"""One file with everything that goes wrong in files, imported as a whole."""

import pytest
from django.contrib.auth.models import User

from conversations.importing import Format
from conversations.jobs import control
from conversations.jobs.imports import create_import
from conversations.jobs.kinds.imports import shape_of
from conversations.models import Credential, JobState
from conversations.sandbox import Sandbox
from tests.factories import make_remote
from tests.importing.steps import conv
from tests.jobs.steps import outcomes, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]


def test_right_counts(sandbox: Sandbox, credential: Credential, operator: User) -> None:
    known = [make_remote(sandbox) for _ in range(6)]
    unknown = [conv(number) for number in range(1_000)]
    lines = [
        f"[2026-11-01 12:00:00] INFO service started, {len(known)} workers",
        f"[2026-11-01 12:00:01] INFO created {known[0]} 🙂 for שלום",
        f"[2026-11-01 12:00:01] INFO created {known[0]} again",
        "",
        "   ",
        f"[2026-11-01 12:00:02] GET https://api.example.com/v1/conversations/{known[1]}/items?limit=9 200",
        f'{{"level": "info", "conversation_id": "{known[2]}"}}',
        f"{'x' * 5_000_000} {known[3]} {'y' * 5_000_000} {known[4]}",
        *(f"[2026-11-01 12:00:03] WARN lost {each}" for each in unknown),
        f"[2026-11-01 12:00:04] INFO last {known[5]}",
    ]
    content = "\r\n".join(lines).encode("utf-16")
    chunks = [content[start : start + 65_537] for start in range(0, len(content), 65_537)]
    job = create_import(actor=operator, credentials=[credential], chunks=chunks)
    assert shape_of(job).format == Format.TEXT
    control.start(job)
    job = run(job)
    assert (job.state, outcomes(job)) == (JobState.FINISHED, {"added": 6, "unknown": 1_000})
    assert job.parameters["tally"] == {"lines": 1_007, "found": 1_007, "duplicates": 1, "without_id": 1}
