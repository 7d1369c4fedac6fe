"""Settings of a server that shows Django's own admin, or Unfold's, over the same database: to compare pages with."""

import os

from convadmin.settings import *  # noqa: F403

TEMPLATES[0]["DIRS"] = []  # noqa: F405
TEMPLATES[0]["OPTIONS"]["context_processors"].remove("convadmin.context_processors.assets")  # noqa: F405
STATICFILES_DIRS = []
STATIC_ROOT = os.environ["PLAIN_STATIC_ROOT"]
STORAGES["staticfiles"] = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}  # noqa: F405
MIDDLEWARE = [name for name in MIDDLEWARE if "ContentSecurityPolicy" not in name]  # noqa: F405
if os.environ.get("WITH_UNFOLD"):
    INSTALLED_APPS = ["unfold", *INSTALLED_APPS]  # noqa: F405
