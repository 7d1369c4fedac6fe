"""The WSGI application."""

import os
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "convadmin.settings")


class Request(WSGIRequest):
    """Ignores the charset of the content type. RequestBodyMiddleware refuses any but UTF-8.

    Django decodes the query string with that charset when it creates the request, and no middleware could handle the
    error.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {"charset": "unknown"}


application = get_wsgi_application()
application.request_class = Request
