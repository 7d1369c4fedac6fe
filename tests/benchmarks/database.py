"""The database that is measured: migrated, filled once with examples, and kept for the next run.

Imported after `django.setup()`. The naive peer's table holds the same metadata in a JSON column.
"""

import time
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection, models

from conversations.examples import bulk as bulk_examples
from conversations.models import Conversation, Credential, Team
from conversations.models.index import sql_helpers

SIGNED_IN, IN_ADMIN = "benchmark", "benchmark-admin"


class Naive(models.Model):
    """What one would write without an index of terms: metadata in a JSON column, and an index by date."""

    created_at = models.DateTimeField(db_index=True)
    metadata = models.JSONField()

    class Meta:
        app_label = "benchmarks"
        db_table = "benchmark_naive"

    def __str__(self) -> str:
        return str(self.pk)


class Seeding(models.Model):
    """How long it took to enter the examples."""

    count = models.BigIntegerField()
    seconds = models.FloatField()

    class Meta:
        app_label = "benchmarks"
        db_table = "benchmark_seeding"

    def __str__(self) -> str:
        return f"{self.count} in {self.seconds:.0f} s"


def prepare(count: int) -> dict[str, Any]:
    """Make, or find, the database of `count` conversations; gives what is told of it."""
    call_command("migrate", verbosity=0, interactive=False)
    tables = connection.introspection.table_names()
    if Seeding._meta.db_table not in tables:
        seed(count)
    if Naive._meta.db_table not in tables:
        fill_naive()
    make_people()
    seeding = Seeding.objects.get()
    return {"seconds": seeding.seconds or None, "bytes": size_in_bytes(), "engine": engine()}


def seed(count: int) -> None:
    """Enter the examples, unless some are there already, from elsewhere; then the time is not known."""
    started = time.monotonic()
    found = Conversation.objects.count()
    if found not in (0, count):
        raise SystemExit(f"The database holds {found:,} conversations, not {count:,}: delete it and run this again.")
    for _ in bulk_examples.add_conversations(count, added_by=None) if not found else ():
        pass
    seconds = 0.0 if found else time.monotonic() - started
    with connection.schema_editor() as editor:
        editor.create_model(Seeding)
    Seeding.objects.create(count=count, seconds=seconds)


def fill_naive() -> None:
    """Copy the rows into the naive peer's table."""
    with connection.schema_editor() as editor:
        editor.create_model(Naive)
    kind = "metadata::jsonb" if connection.vendor == "postgresql" else "metadata"
    sql_helpers.execute(
        f"INSERT INTO {Naive._meta.db_table} (id, created_at, metadata)"  # noqa: S608  names of our own
        f" SELECT id, created_at, {kind} FROM {Conversation._meta.db_table}"
    )
    if connection.vendor == "postgresql":  # what autovacuum does before long; SQLite is left as an operator leaves it
        sql_helpers.execute("VACUUM ANALYZE")


def make_people() -> None:
    """An operator whose team has all credentials, as most people have, and a superuser for the admin pages."""
    user, _ = User.objects.get_or_create(username=SIGNED_IN)
    User.objects.get_or_create(username=IN_ADMIN, defaults={"is_staff": True, "is_superuser": True})
    team, _ = Team.objects.get_or_create(name="Benchmark")
    user.groups.set([team, Group.objects.get(name="Operator")])
    for credential in Credential.objects.all():
        credential.teams.add(team)


def engine() -> str:
    """The engine with its version."""
    if connection.vendor == "postgresql":
        return f"PostgreSQL {sql_helpers.fetch_column('SHOW server_version')[0].split()[0]}"
    return f"SQLite {sql_helpers.fetch_column('SELECT sqlite_version()')[0]}"


def size_in_bytes() -> int:
    """How much room conversations and their index take, without the naive peer."""
    if connection.vendor == "postgresql":
        sql = "SELECT pg_database_size(current_database()) - pg_total_relation_size(%s::regclass)"
        return int(sql_helpers.fetch_column(sql, [Naive._meta.db_table])[0])
    pages = sql_helpers.fetch_column("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")[0]
    peer = "SELECT SUM(pgsize) FROM dbstat WHERE aggregate = TRUE AND name LIKE %s"
    return int(pages - sql_helpers.fetch_column(peer, [f"{Naive._meta.db_table}%"])[0])
