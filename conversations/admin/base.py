"""Base classes of the admin pages: who may see and change what."""

from typing import Any

from django.contrib import admin
from django.db.models import ManyToManyField, Model, QuerySet
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest


class Page(admin.ModelAdmin):
    """A page whose query string may only contain what its own filters send."""

    LOOKUPS = frozenset({"exact", "isnull", "id__exact"})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # Django allows any lookup in a field of the model, such as an invalid regex, which is a database error.
        field, _, rest = lookup.partition("__")
        filters = (each[0] if isinstance(each, tuple) else each for each in self.get_list_filter(request))
        return field in filters and rest in self.LOOKUPS and super().lookup_allowed(lookup, value, request)


class Checkboxes(admin.ModelAdmin):
    """Related rows are chosen by checkboxes, where Django has two boxes of rows to move between."""

    filter_horizontal = ()

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: Any = None, **options: Any) -> Any:
        options["widget"] = CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **options)


class SuperusersOnly(Page):
    """A page that decides what others may do."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_superuser(request)

    @staticmethod
    def _is_superuser(request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)


class ReadOnly(Page):
    """A page of records that only Convadmin writes."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined]
