#!/usr/bin/env python
"""Django's command line, which says in one sentence what is wrong with the settings."""

import os
import sys


def main() -> None:
    """Run the command that was given; a broken setting ends it with one sentence and exit code 1."""
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
