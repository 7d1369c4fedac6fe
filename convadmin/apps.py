"""The admin pages with a site of our own."""

from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class AdminConfig(DjangoAdminConfig):
    """Django's admin, at `AdminSite`."""

    default_site = "convadmin.admin_site.AdminSite"
