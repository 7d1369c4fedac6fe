"""`manage.py rotate_keys`: seals all secrets under the newest key, so that older ones can be removed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from ...encryption import SealError
from ...models import Credential


class Command(BaseCommand):
    """All or nothing. If a secret can't be opened, it names the credential."""

    help = "Encrypts the secrets of all credentials again with the newest of CREDENTIAL_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        with transaction.atomic():
            for credential in Credential.objects.select_for_update():
                try:
                    credential.rotate_keys()
                except SealError as error:
                    raise CommandError(
                        f"“{credential.name}” can't be encrypted again, so nothing was changed. {error}"
                    ) from None
                count += 1
        self.stdout.write(f"Encrypted {count} credential{'' if count == 1 else 's'} with the newest key.")
