"""What Convadmin keeps: credentials, the index of conversations, its search terms, events, erasures, jobs,
holds, retention rules and erasure requests.

A related manager belongs to both of its models, so a few of these modules import each other's types; none does so at
run time.
"""

from .api_token import ApiToken
from .choices import Action, ItemOutcome, JobKind, JobOutcome, JobState, Origin, Outcome, Stage, State
from .conversation import Conversation
from .credential import Credential, CredentialHeader
from .erased_item import ErasedItem
from .erasure import Erasure
from .erasure_request import ErasureRequest
from .event import Event
from .event_detail import EventDetail
from .hold import HeldConversation, Hold
from .import_part import ImportPart
from .index.hours import HourCount
from .index.rebuild import Progress
from .index.terms import Posting, Term
from .index.writing import IndexChange
from .job import Job
from .job_batch import JobBatch
from .job_item import JobItem
from .retention_rule import RetentionRule
from .saved_view import SavedView, StartPage
from .team import Team
from .worker import Worker

__all__ = [
    "Action",
    "ApiToken",
    "Conversation",
    "Credential",
    "CredentialHeader",
    "ErasedItem",
    "Erasure",
    "ErasureRequest",
    "Event",
    "EventDetail",
    "HeldConversation",
    "Hold",
    "HourCount",
    "ImportPart",
    "IndexChange",
    "ItemOutcome",
    "Job",
    "JobBatch",
    "JobItem",
    "JobKind",
    "JobOutcome",
    "JobState",
    "Origin",
    "Outcome",
    "Posting",
    "Progress",
    "RetentionRule",
    "SavedView",
    "Stage",
    "StartPage",
    "State",
    "Team",
    "Term",
    "Worker",
]
