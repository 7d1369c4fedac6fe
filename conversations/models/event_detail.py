"""The content that an event keeps; purging and erasing delete it."""

from django.db import models

from .fields import OrderedJSONField


class EventDetail(models.Model):
    """The content that an event keeps: metadata before, as requested and after; OpenAI's message; a person's note."""

    event = models.OneToOneField(
        "conversations.Event", on_delete=models.CASCADE, primary_key=True, related_name="detail"
    )
    before = OrderedJSONField(null=True)
    requested = OrderedJSONField(null=True)
    after = OrderedJSONField(null=True)
    message = models.TextField(blank=True)
    note = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"Detail of event {self.event_id}"
