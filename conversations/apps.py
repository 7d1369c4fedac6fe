"""The application: its checks, and the roles made after each migration."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConversationsConfig(AppConfig):
    """Conversations of OpenAI, their index and everything around it."""

    name = "conversations"

    def ready(self) -> None:
        """Register the checks and the receiver that makes the roles."""
        from . import checks  # noqa: F401  registers itself
        from .roles import make_roles

        post_migrate.connect(make_roles, sender=self, dispatch_uid="make_roles")
