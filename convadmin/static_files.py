"""Static files: one stylesheet and one script for all pages.

The files stay apart for whoever works on them. `collectstatic` joins them, so a browser asks for two.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from django.templatetags.static import static
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]

_SHEETS = (
    *("tokens", "base", "topbar", "layout", "components", "list", "transcript", "reading", "writing"),
    *("footer", "overview", "people", "palette", "admin", "print"),
)
_OWN_SCRIPTS = ("toast", "app", "list", "completion", "reading", "palette")

STYLESHEETS = {"css/convadmin.css": [f"css/{name}.css" for name in _SHEETS]}
SCRIPTS = {"js/convadmin.js": ["django_htmx/htmx-2.min.js", *(f"js/{name}.js" for name in _OWN_SCRIPTS)]}


class BundlingStorage(CompressedManifestStaticFilesStorage):
    """Adds the joined files to those that are collected, hashed and compressed."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterable[Any]:
        if not dry_run:
            for name, parts in {**STYLESHEETS, **SCRIPTS}.items():
                self.delete(name)
                self.save(name, ContentFile(_joined(parts)))
                paths[name] = (self, name)
        yield from super().post_process(paths, dry_run=dry_run, **options)


def stylesheets() -> list[str]:
    """The URLs of the stylesheets, in their order."""
    return _urls(STYLESHEETS)


def scripts() -> list[str]:
    """The URLs of the scripts, in their order."""
    return _urls(SCRIPTS)


def _urls(bundles: dict[str, list[str]]) -> list[str]:
    is_joined = isinstance(staticfiles_storage, BundlingStorage) and not settings.DEBUG
    return [static(name) for bundle, parts in bundles.items() for name in ([bundle] if is_joined else parts)]


def _joined(names: list[str]) -> bytes:
    """The files, one after the other. A script that ends without a semicolon gets one."""
    separator = b";\n" if names[0].endswith(".js") else b"\n"
    return separator.join(_content(name) for name in names)


def _content(name: str) -> bytes:
    path = finders.find(name)
    if path is None:
        raise FileNotFoundError(f"The static file {name} doesn't exist.")
    with open(path, "rb") as file:
        return file.read()
