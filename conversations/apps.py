"""What happens when Django starts."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConversationsConfig(AppConfig):
    """Registers the system checks, and creates the roles after each migration."""

    name = "conversations"

    def ready(self) -> None:
        from . import checks  # noqa: F401  importing it registers the checks
        from .roles import make_roles

        post_migrate.connect(make_roles, sender=self, dispatch_uid="make_roles")
