"""Stored values get the names that the code uses now. Apart from 0009 and 0011: PostgreSQL alters no table in a
transaction that wrote into it."""

from django.db import migrations

ACTIONS = {"keep": "accept", "hand_over": "transfer", "settle": "resolve"}


def rename_key(values, old, new):
    return {new if key == old else key: value for key, value in values.items()}


def rename_values(apps, actions, keys):
    events, erasures = (apps.get_model("conversations", name).objects for name in ("Event", "Erasure"))
    for old, new in actions.items():
        events.filter(action=old).update(action=new)
    for erasure in erasures.iterator():
        for field, old, new in keys:
            setattr(erasure, field, rename_key(getattr(erasure, field), old, new))
        erasure.save(update_fields=["deletion", "failure"])


def forwards(apps, schema_editor):
    rename_values(apps, ACTIONS, [("deletion", "fate", "outcome"), ("failure", "is_asked_for", "is_requested")])


def backwards(apps, schema_editor):
    actions = {new: old for old, new in ACTIONS.items()}
    rename_values(apps, actions, [("deletion", "outcome", "fate"), ("failure", "is_requested", "is_asked_for")])


class Migration(migrations.Migration):
    dependencies = [("conversations", "0009_plain_names")]

    operations = [migrations.RunPython(forwards, backwards)]
