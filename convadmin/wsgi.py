"""The web server's way in."""

import os
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "convadmin.settings")


class Request(WSGIRequest):
    """A request that is UTF-8 whatever it says, until RequestBodyMiddleware refuses what says otherwise.

    Django decodes the query string by the charset of the body while it makes the request, before any middleware
    could answer what goes wrong.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {"charset": "unknown"}


application = get_wsgi_application()
application.request_class = Request
