"""The Django project: settings, middleware, sign-in, and the admin site."""

__version__ = "1.0.0"
