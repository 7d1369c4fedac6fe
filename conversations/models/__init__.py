"""What Convadmin keeps: credentials, the index of conversations, its search terms, events and erasures.

A related manager belongs to both of its models, so a few of these modules import each other's types; none does so at
run time.
"""

from .choices import Action, ItemOutcome, Origin, Outcome, Stage, State
from .conversation import Conversation
from .credential import Credential, CredentialHeader
from .erased_item import ErasedItem
from .erasure import Erasure
from .event import Event
from .event_detail import EventDetail
from .index.rebuild import Progress
from .index.terms import Posting, Term
from .index.writing import IndexChange
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
    "ItemOutcome",
    "Origin",
    "Outcome",
    "Posting",
    "Progress",
    "SavedView",
    "Stage",
    "StartPage",
    "State",
    "Team",
    "Term",
]
