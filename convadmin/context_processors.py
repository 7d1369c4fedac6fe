"""Variables for all templates."""

from django.http import HttpRequest

from convadmin import __version__


def version(request: HttpRequest) -> dict[str, str]:
    """The version of Convadmin; the footer shows it to those who are signed in."""
    return {"convadmin_version": __version__}
