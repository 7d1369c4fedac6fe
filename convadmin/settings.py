"""All settings, read from the environment and from `.env` beside manage.py. `.env.example` explains each."""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

OPENAI_HOSTS = ["api.openai.com"] + [
    f"{region}.api.openai.com" for region in ("us", "eu", "au", "ca", "jp", "in", "sg", "kr", "gb", "ae")
]

env = environ.Env(
    DEBUG=(bool, False),
    ALLOWED_HOSTS=(list, []),
    CSRF_TRUSTED_ORIGINS=(list, []),
    HTTPS=(bool, True),
    TRUST_FORWARDED_PROTO=(bool, False),
    DATABASE_URL=(str, f"sqlite:///{BASE_DIR / 'data' / 'convadmin.sqlite3'}"),
    CREDENTIAL_KEYS=(list, []),
    CREDENTIAL_HOSTS=(list, OPENAI_HOSTS),
    OPENAI_PROXY=(str, ""),
    TIME_ZONE=(str, "UTC"),
    REQUEST_BUDGET=(float, 20.0),
    PAGE_SIZE=(int, 50),
    LOG_LEVEL=(str, "INFO"),
)

try:
    environ.Env.read_env(BASE_DIR / ".env")
    SECRET_KEY = env.str("SECRET_KEY")
    DEBUG = env("DEBUG")
    ALLOWED_HOSTS = env("ALLOWED_HOSTS")
    CSRF_TRUSTED_ORIGINS = env("CSRF_TRUSTED_ORIGINS")
    HTTPS = env("HTTPS")
    TRUST_FORWARDED_PROTO = env("TRUST_FORWARDED_PROTO")
    DATABASES = {"default": env.db_url_config(env("DATABASE_URL"))}
    CREDENTIAL_KEYS = env("CREDENTIAL_KEYS")
    CREDENTIAL_HOSTS = env("CREDENTIAL_HOSTS")
    OPENAI_PROXY = env("OPENAI_PROXY")
    TIME_ZONE = env("TIME_ZONE")
    REQUEST_BUDGET = env("REQUEST_BUDGET")  # seconds that a web request may spend on calls to OpenAI
    PAGE_SIZE = env("PAGE_SIZE")  # rows of a list
    LOG_LEVEL = env("LOG_LEVEL").upper()
except (ImproperlyConfigured, ValueError, KeyError, OSError) as error:
    raise ImproperlyConfigured(
        f"A setting in the environment or .env cannot be used: {error}. See .env.example."
    ) from None

if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is empty. Set it in the environment or .env; see .env.example.")

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
    "django.contrib.admin",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "convadmin.middleware.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "conversations.responses.FragmentMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "conversation_list"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUST_FORWARDED_PROTO:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# The name and form that Django 6 uses, so that its own middleware can take over one day.
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024  # twenty long messages fit

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {"django": {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False}},
}
