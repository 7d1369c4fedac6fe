"""The main navigation."""

from typing import Any

from django import template

from ..pages.navigation import Entry
from ..pages.navigation import navigation as entries_for

register = template.Library()


@register.simple_tag(takes_context=True)
def navigation(context: dict[str, Any]) -> list[Entry]:
    """The pages that the user may open."""
    return entries_for(context["user"], context["request"].path)
