"""Settings of the tests: the project's own, with every variable given here so that no `.env` has a say."""

import os
import tempfile

from cryptography.fernet import Fernet

os.environ.update(
    SECRET_KEY="tests-only-" + "x" * 50,
    DEBUG="off",
    ALLOWED_HOSTS="testserver,127.0.0.1,localhost",
    CSRF_TRUSTED_ORIGINS="",
    HTTPS="off",
    TRUST_FORWARDED_PROTO="off",
    TRUST_FORWARDED_FOR="off",
    DATABASE_URL=os.environ.get("DATABASE_URL_TEST", f"sqlite:///{tempfile.gettempdir()}/convadmin-unused.sqlite3"),
    CREDENTIAL_KEYS=Fernet.generate_key().decode(),
    CREDENTIAL_HOSTS="api.openai.com,eu.api.openai.com,127.0.0.1",
    OPENAI_PROXY="",
    OPENAI_CA_FILE="",
    TIME_ZONE="UTC",
    REQUEST_BUDGET="5",
    PAGE_SIZE="50",
    LOG_LEVEL="WARNING",
    QUEUE_URL="",
    BULK_LIMIT="50000",
    EXPORT_FOLDER=f"{tempfile.gettempdir()}/convadmin-test-exports-{os.getpid()}",
    EXPORT_MAX_MB="100",
    EXPORT_KEPT_HOURS="72",
    RETENTION_NEEDS_APPROVAL="on",
)

from convadmin.settings import *  # noqa: F403

QUEUE_URL = "memory://"  # tests run jobs themselves
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True  # nothing was collected, which WhiteNoise would warn of
if "sqlite3" in DATABASES["default"]["ENGINE"]:  # noqa: F405
    # A real file, so that threads and several connections behave as in production.
    name = f"{tempfile.gettempdir()}/convadmin-tests-{os.getpid()}.sqlite3"
    DATABASES["default"]["TEST"] = {"NAME": name}  # noqa: F405
    # What a test wrote need not outlive the machine.
    options = DATABASES["default"]["OPTIONS"]  # noqa: F405
    options["init_command"] = options["init_command"].replace("synchronous=NORMAL", "synchronous=OFF")
