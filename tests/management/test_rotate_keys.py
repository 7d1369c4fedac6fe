"""`manage.py rotate_keys` seals all secrets under the newest key."""

import pytest
from django.conf import settings as project_settings
from django.core.management import CommandError, call_command

from conversations.encryption import new_key
from conversations.models import Credential, CredentialHeader

pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed() -> Credential:
    credential = Credential(name="Research")
    credential.set_key("sk-before-rotation")
    credential.save()
    header = CredentialHeader(credential=credential, name="X-Gate")
    header.set_value("gate-secret")
    header.save()
    return credential


def test_rotate_keys_lets_the_old_key_go(sealed, settings):
    newest = new_key()
    settings.CREDENTIAL_KEYS = [newest, *project_settings.CREDENTIAL_KEYS]
    call_command("rotate_keys", verbosity=0)
    settings.CREDENTIAL_KEYS = [newest]
    fresh = Credential.objects.get()
    assert fresh.open_key() == "sk-before-rotation"
    assert fresh.open_headers() == {"X-Gate": "gate-secret"}


def test_rotate_keys_names_the_credential_that_does_not_open_and_changes_nothing(sealed, settings):
    settings.CREDENTIAL_KEYS = [new_key()]
    with pytest.raises(CommandError, match="Research"):
        call_command("rotate_keys")
    assert Credential.objects.get().sealed_key == sealed.sealed_key
