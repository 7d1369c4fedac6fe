"""All settings, read from the environment and from `.env` next to manage.py. `.env.example` explains each."""

import logging
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from convadmin.environment import (
    Env,
    count,
    database,
    keep_private,
    log_level,
    queue_url,
    read_env_file,
    seconds,
    switch,
    time_zone,
)
from convadmin.log import without_join_links, without_refused_traceback

BASE_DIR = Path(__file__).resolve().parent.parent

OPENAI_HOSTS = ["api.openai.com"] + [
    f"{region}.api.openai.com" for region in ("us", "eu", "au", "ca", "jp", "in", "sg", "kr", "gb", "ae")
]

env = Env(
    DEBUG=(switch, False),
    ALLOWED_HOSTS=(list, []),
    CSRF_TRUSTED_ORIGINS=(list, []),
    HTTPS=(switch, True),
    TRUST_FORWARDED_PROTO=(switch, False),
    TRUST_FORWARDED_FOR=(switch, False),
    DATABASE_URL=(
        database,
        {"ENGINE": "django.db.backends.sqlite3", "NAME": str(BASE_DIR / "data" / "convadmin.sqlite3")},
    ),
    CREDENTIAL_KEYS=(list, []),
    CREDENTIAL_HOSTS=(list, OPENAI_HOSTS),
    OPENAI_PROXY=(str, ""),
    OPENAI_CA_FILE=(str, ""),
    TIME_ZONE=(time_zone, "UTC"),
    REQUEST_BUDGET=(seconds, 20.0),
    PAGE_SIZE=(count, 50),
    LOG_LEVEL=(log_level, "INFO"),
    QUEUE_URL=(queue_url, ""),
    BULK_LIMIT=(count, 50_000),
    EXPORT_FOLDER=(str, str(BASE_DIR / "data" / "exports")),
    EXPORT_MAX_MB=(count, 2_000),
    EXPORT_KEPT_HOURS=(count, 72),
    RETENTION_NEEDS_APPROVAL=(switch, True),
)

read_env_file(BASE_DIR / ".env")
SECRET_KEY = env.str("SECRET_KEY")
DEBUG = env("DEBUG")
ALLOWED_HOSTS = env("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env("CSRF_TRUSTED_ORIGINS")
HTTPS = env("HTTPS")
TRUST_FORWARDED_PROTO = env("TRUST_FORWARDED_PROTO")
TRUST_FORWARDED_FOR = env("TRUST_FORWARDED_FOR")
DATABASES = {"default": env("DATABASE_URL")}
CREDENTIAL_KEYS = env("CREDENTIAL_KEYS")
CREDENTIAL_HOSTS = env("CREDENTIAL_HOSTS")
OPENAI_PROXY = env("OPENAI_PROXY")
OPENAI_CA_FILE = env("OPENAI_CA_FILE")
TIME_ZONE = env("TIME_ZONE")
REQUEST_BUDGET = env("REQUEST_BUDGET")  # seconds that a web request may spend on calls to OpenAI
PAGE_SIZE = env("PAGE_SIZE")  # rows of a list
LOG_LEVEL = env("LOG_LEVEL")
BULK_LIMIT = env("BULK_LIMIT")  # conversations that one job may change, remove or export
EXPORT_FOLDER = env("EXPORT_FOLDER")  # shared by all machines
EXPORT_MAX_MB = env("EXPORT_MAX_MB")  # megabytes of one export's files
EXPORT_KEPT_HOURS = env("EXPORT_KEPT_HOURS")
RETENTION_NEEDS_APPROVAL = env("RETENTION_NEEDS_APPROVAL")  # by somebody other than the author of a rule
QUEUE_URL = env("QUEUE_URL")  # where workers are told of jobs; "" goes with the database

if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is empty. Set it in the environment or in .env; see .env.example.")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "conversations",
    "convadmin.apps.AdminConfig",
    "convadmin.apps.SignInsConfig",
]

MIDDLEWARE = [
    "convadmin.middleware.HeadMiddleware",
    "convadmin.middleware.CompressionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "convadmin.middleware.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "convadmin.middleware.NoStoreMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "convadmin.middleware.RequestBodyMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "conversations.pages.responses.FragmentMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "convadmin.urls"
WSGI_APPLICATION = "convadmin.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "convadmin.context_processors.version",
                "convadmin.context_processors.assets",
            ],
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES["default"].update({"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True})
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,  # seconds to wait for another writer
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
    with suppress(OSError):  # opening the database reports it
        Path(DATABASES["default"]["NAME"]).parent.mkdir(mode=0o700, exist_ok=True)
        if DATABASES["default"]["NAME"] != ":memory:":
            keep_private(Path(DATABASES["default"]["NAME"]))

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in {
        "UserAttributeSimilarityValidator": {},
        "MinimumLengthValidator": {"min_length": 12},
        "CommonPasswordValidator": {},
        "NumericPasswordValidator": {},
    }.items()
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_RESET_TIMEOUT = 3 * 86_400  # seconds for which the link of an invitation works

AXES_FAILURE_LIMIT = 5  # per user and address
SIGN_IN_FAILURES_OF_ADDRESS = 50  # per address, for all users together
AXES_COOLOFF_TIME = timedelta(minutes=15)  # how long failures count, and after which a lock ends
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address"]  # SignInHandler relies on this order
AXES_HANDLER = "convadmin.sign_in.SignInHandler"
AXES_CLIENT_IP_CALLABLE = "convadmin.sign_in.client_address"
AXES_CLIENT_STR_CALLABLE = "convadmin.sign_in.described"
AXES_LOCKOUT_CALLABLE = "convadmin.sign_in.locked"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ACCESS_FAILURE_LOG = True
AXES_DISABLE_ACCESS_LOG = True
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken", "next"]
AXES_ENABLE_ADMIN = False  # conversations.admin.sign_ins has pages for superusers only
AXES_VERBOSE = False

LANGUAGE_CODE = "en"
USE_I18N = True
FORMAT_MODULE_PATH = ["convadmin.formats"]
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "convadmin.static_files.BundlingStorage"},
}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUST_FORWARDED_PROTO:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Same name and format as in Django 6, whose middleware can replace ours.
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "media-src": ["'self'"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024  # for 20 long messages; most views allow less (RequestBodyMiddleware)
FILE_UPLOAD_MAX_MEMORY_SIZE = DATA_UPLOAD_MAX_MEMORY_SIZE
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000  # 200 messages, 50 parts and 100 pairs
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]  # uploads never go to the disk

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "refused": {"()": "django.utils.log.CallbackFilter", "callback": without_refused_traceback},
        "join links": {"()": "django.utils.log.CallbackFilter", "callback": without_join_links},
    },
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["join links"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False},
        "django.request": {"filters": ["refused"]},
        "huey": {"level": max(logging.WARNING, logging.getLevelName(LOG_LEVEL))},  # it tells of every message
        "axes": {"level": max(logging.WARNING, logging.getLevelName(LOG_LEVEL))},  # it also logs every step
    },
}
