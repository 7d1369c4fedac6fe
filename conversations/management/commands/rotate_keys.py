"""Seal every secret again under the newest key, so that older keys can be taken out of CREDENTIAL_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from ...encryption import SealError
from ...models import Credential


class Command(BaseCommand):
    """`manage.py rotate_keys`: all or nothing; says which credential does not open."""

    help = "Seal every credential's secrets again under the newest of CREDENTIAL_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        with transaction.atomic():
            for credential in Credential.objects.select_for_update():
                try:
                    credential.rotate_keys()
                except SealError as error:
                    raise CommandError(f"“{credential.name}” was not sealed again, and nothing else. {error}") from None
                count += 1
        self.stdout.write(f"{count} credential{'' if count == 1 else 's'} sealed under the newest key.")
