"""Variables for all templates."""

from django.http import HttpRequest

from convadmin import __version__, static_files


def version(request: HttpRequest) -> dict[str, str]:
    """The version of Convadmin; the footer shows it to those who are signed in."""
    return {"convadmin_version": __version__}


def assets(request: HttpRequest) -> dict[str, list[str]]:
    """The URLs of the stylesheets and scripts of a page."""
    return {"stylesheets": static_files.stylesheets(), "scripts": static_files.scripts()}
