"""What each kind of job does."""

from ...models import JobKind
from .base import Kind
from .deletions import Erase, Remove
from .edit import Edit, Undo
from .export import Export
from .imports import Import
from .listing import Listing
from .refresh import Refresh
from .transfer import Transfer

KINDS: dict[str, Kind] = {
    JobKind.REFRESH: Refresh(),
    JobKind.IMPORT: Import(),
    JobKind.LIST: Listing(),
    JobKind.EDIT: Edit(),
    JobKind.UNDO: Undo(),
    JobKind.REMOVE: Remove(),
    JobKind.ERASE: Erase(),
    JobKind.TRANSFER: Transfer(),
    JobKind.EXPORT: Export(),
}

__all__ = ["KINDS", "Kind"]
