#!/usr/bin/env python
"""Django's command line, which tells our version, and in one sentence what is wrong with the settings."""

import os
import sys

from convadmin import __version__


def asks_for_version(arguments: list[str]) -> bool:
    """Whether Django would print its own version: it does so before it looks for a command of that name."""
    return arguments[:1] == ["version"] or arguments == ["--version"]


def main() -> None:
    """Run the command that was given; a broken setting ends it with one sentence and exit code 1."""
    if asks_for_version(sys.argv[1:]):
        sys.stdout.write(f"{__version__}\n")  # without the settings, which may be what is wrong
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "convadmin.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        __import__(os.environ["DJANGO_SETTINGS_MODULE"])
    except ImproperlyConfigured as error:
        sys.exit(f"convadmin: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)  # as shells put it: ended by Ctrl-C, which asks for no traceback
