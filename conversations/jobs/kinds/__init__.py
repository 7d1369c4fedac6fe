"""What each kind of job does."""

from ...models import JobKind
from .base import Kind
from .imports import Import
from .listing import Listing
from .refresh import Refresh

KINDS: dict[str, Kind] = {JobKind.REFRESH: Refresh(), JobKind.IMPORT: Import(), JobKind.LIST: Listing()}

__all__ = ["KINDS", "Kind"]
