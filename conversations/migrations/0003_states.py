from django.db import migrations, models

from conversations.models.index.terms import term_digest


def enter_states(apps, schema_editor):
    """Each conversation bears its state as a term."""
    term_model, posting_model, conversation_model = (
        apps.get_model("conversations", name) for name in ("Term", "Posting", "Conversation")
    )
    counts = conversation_model.objects.order_by().values_list("credential_id", "state").annotate(models.Count("pk"))
    for credential_id, state, n in list(counts):
        term, _ = term_model.objects.get_or_create(
            credential_id=credential_id,
            digest=term_digest(None, state),
            defaults={"key": None, "value": state, "folded": state, "n": n},
        )
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {posting_model._meta.db_table} (term_id, ord) SELECT %s, ord FROM {conversation_model._meta.db_table}"
                " WHERE credential_id = %s AND state = %s ON CONFLICT DO NOTHING",
                [term.pk, credential_id, state],
            )


def leave_states(apps, schema_editor):
    """Take them out again."""
    states = apps.get_model("conversations", "Term").objects.filter(key=None)
    apps.get_model("conversations", "Posting").objects.filter(term__in=states).delete()
    states.delete()


class Migration(migrations.Migration):
    """Apart from 0002: PostgreSQL alters no table in a transaction that wrote into it."""

    dependencies = [("conversations", "0002_search")]

    operations = [migrations.RunPython(enter_states, leave_states)]
