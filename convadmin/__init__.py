"""The project: settings, and what holds for every request."""

__version__ = "1.0.0"
