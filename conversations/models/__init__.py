"""What Convadmin keeps: credentials, the index of conversations, its search terms, and the events."""

from .conversation import Conversation, State
from .credential import Credential, CredentialHeader
from .event import Action, Event, EventDetail, Outcome
from .index import IndexChange, Posting, Term
from .team import Team

__all__ = [
    "Action",
    "Conversation",
    "Credential",
    "CredentialHeader",
    "Event",
    "EventDetail",
    "IndexChange",
    "Outcome",
    "Posting",
    "State",
    "Team",
    "Term",
]
