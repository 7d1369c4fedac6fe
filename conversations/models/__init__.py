"""What Convadmin keeps: credentials, the index of conversations, its search terms, the events, and erasures."""

from .conversation import Conversation, State
from .credential import Credential, CredentialHeader
from .erased_item import ErasedItem
from .erasure import Erasure
from .event import Action, Event, EventDetail, Outcome
from .index.rebuild import Progress
from .index.terms import IndexChange, Posting, Term
from .saved_view import SavedView, StartPage
from .team import Team

__all__ = [
    "Action",
    "Conversation",
    "Credential",
    "CredentialHeader",
    "ErasedItem",
    "Erasure",
    "Event",
    "EventDetail",
    "IndexChange",
    "Outcome",
    "Posting",
    "Progress",
    "SavedView",
    "StartPage",
    "State",
    "Team",
    "Term",
]
