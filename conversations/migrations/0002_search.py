import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import conversations.models.fields
from conversations.models.index import trigrams


def make_trigrams(apps, schema_editor):
    """Where the engine has none, the search does without; `manage.py reindex` tries again."""
    trigrams.install()


def remove_trigrams(apps, schema_editor):
    """Before the table of terms is made anew."""
    trigrams.remove()


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial")]

    operations = [
        migrations.RemoveIndex(model_name="term", name="term_by_key"),
        migrations.AlterField(
            model_name="conversation",
            name="openai_id",
            field=conversations.models.fields.CodePointCharField(max_length=255, verbose_name="id at OpenAI"),
        ),
        migrations.AlterField("term", "folded", conversations.models.fields.CodePointTextField()),
        migrations.AlterField("term", "key", conversations.models.fields.CodePointTextField(null=True)),
        migrations.AlterField("term", "value", conversations.models.fields.CodePointTextField(null=True)),
        migrations.AlterField(
            model_name="conversation",
            name="credential",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="conversations",
                to="conversations.credential",
            ),
        ),
        migrations.AlterField(
            model_name="term",
            name="credential",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="conversations.credential",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                models.F("credential"),
                django.db.models.functions.text.Lower("openai_id"),
                name="conversation_by_id",
            ),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(
                models.F("credential"),
                models.F("key"),
                django.db.models.functions.text.Left("value", 64),
                name="term_by_value",
            ),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(
                condition=models.Q(("key__isnull", False), ("n__gte", 2), ("value__isnull", False)),
                fields=["credential", "key", "-n"],
                name="term_by_number",
            ),
        ),
        migrations.AddIndex(
            model_name="term",
            index=models.Index(
                condition=models.Q(("value__isnull", True)), fields=["credential", "key", "n"], name="term_of_key"
            ),
        ),
        migrations.RunPython(make_trigrams, remove_trigrams),
    ]
