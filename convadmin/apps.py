"""Configuration of third-party apps."""

from axes.apps import AppConfig as AxesConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class AdminConfig(DjangoAdminConfig):
    """Django's admin with `AdminSite`."""

    default_site = "convadmin.admin_site.AdminSite"


class SignInsConfig(AxesConfig):
    """django-axes, with a name that says what its admin pages are about."""

    verbose_name = "Sign-ins"
