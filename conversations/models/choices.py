"""Every set of choices of the models, with the labels that people read."""

from django.db import models


class State(models.TextChoices):
    """What the last response said of a conversation; UNREAD: there was none yet."""

    ACTIVE = "active", "Active"
    DIFFERS = "differs", "Metadata differs"
    MISSING = "missing", "Missing at OpenAI"
    REMOVED = "removed", "Removed"
    UNREAD = "unread", "Not read yet"


class Origin(models.TextChoices):
    """How a conversation came into the index."""

    CREATED = "created", "created here"
    FETCHED = "fetched", "fetched by its id"
    IMPORTED = "imported", "imported"
    REGISTERED = "registered", "registered by an application"
    LISTED = "listed", "listed by the server"


class Action(models.TextChoices):
    """What someone asked for; the labels follow "tried to"."""

    CREATE = "create", "create"
    GET = "get", "get"
    REFRESH = "refresh", "refresh"
    UPDATE = "update", "edit metadata"
    REMOVE = "remove", "remove"
    ACCEPT_REMOTE = "accept", "accept OpenAI’s version"
    TRANSFER = "transfer", "transfer"
    RESOLVE = "resolve", "resolve"
    ADD_ITEMS = "add_items", "add messages"
    DELETE_ITEMS = "delete_items", "delete items"
    EXPORT = "export", "download the transcript"
    ERASE = "erase", "erase"
    HOLD = "hold", "hold"
    LIFT_HOLD = "lift_hold", "lift a hold"
    DOWNLOAD = "download", "download an export"


READS = {Action.GET, Action.REFRESH, Action.EXPORT}
CHANGES = {
    Action.UPDATE,
    Action.REMOVE,
    Action.TRANSFER,
    Action.ADD_ITEMS,
    Action.DELETE_ITEMS,
    Action.ERASE,
}  # of a conversation
ABOUT_ITEMS = {Action.ADD_ITEMS, Action.DELETE_ITEMS, Action.ERASE}  # reading the conversation can't resolve these
PAST_TENSE = {
    Action.CREATE: "created it",
    Action.GET: "got it by its id",
    Action.REFRESH: "refreshed it",
    Action.UPDATE: "edited its metadata",
    Action.REMOVE: "removed it",
    Action.ACCEPT_REMOTE: "accepted OpenAI’s version",
    Action.TRANSFER: "transferred it",
    Action.RESOLVE: "resolved an attempt",
    Action.ADD_ITEMS: "added messages",
    Action.DELETE_ITEMS: "deleted items",
    Action.EXPORT: "downloaded the transcript",
    Action.ERASE: "erased it",
    Action.HOLD: "put it on hold",
    Action.LIFT_HOLD: "lifted its hold",
    Action.DOWNLOAD: "downloaded an export",
}


class Outcome(models.TextChoices):
    """How an event ended; `unknown`: the request was sent and no response came; `stopped`: long work was cut short."""

    PENDING = "pending", "In progress"
    SUCCEEDED = "succeeded", "Succeeded"
    REFUSED = "refused", "Refused"
    FAILED = "failed", "Not sent"
    UNKNOWN = "unknown", "Outcome unknown"
    STOPPED = "stopped", "Stopped"


class Stage(models.TextChoices):
    """How far an erasure is. A running or stopped one can continue; a closed one was given up."""

    RUNNING = "running", "Running"
    STOPPED = "stopped", "Stopped"
    FINISHED = "finished", "Erased"
    CLOSED = "closed", "Given up"


class ItemOutcome(models.TextChoices):
    """What became of an item, or of the conversation itself, in an erasure.

    `sent`: its deletion was sent and no response confirmed it. Once OpenAI no longer lists it, it is `unconfirmed`
    where one of our deletions may have deleted it, and `gone` otherwise.
    """

    FOUND = "found", "Found"
    SENT = "sent", "Sent, not confirmed yet"
    DELETED = "deleted", "Deleted"
    UNCONFIRMED = "unanswered", "Deleted, not confirmed"
    GONE = "gone", "Already deleted elsewhere"
    REFUSED = "refused", "Not deleted"


class JobKind(models.TextChoices):
    """What a job does with each of its conversations."""

    REFRESH = "refresh", "Refresh"
    IMPORT = "import", "Import"
    LIST = "list", "List from the server"
    EDIT = "edit", "Edit metadata"
    UNDO = "undo", "Undo an edit"
    REMOVE = "remove", "Remove"
    ERASE = "erase", "Erase"
    TRANSFER = "transfer", "Transfer"
    EXPORT = "export", "Export"


class JobState(models.TextChoices):
    """How far a job is. A draft waits for a person to start it; a queued one, for a worker to list its items."""

    DRAFT = "draft", "Draft"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    STOPPING = "stopping", "Stopping"
    FINISHED = "finished", "Finished"
    STOPPED = "stopped", "Stopped"
    FAILED = "failed", "Failed"


class JobOutcome(models.TextChoices):
    """What became of one item of a job; "" while it waits."""

    ADDED = "added", "Added"
    KNOWN = "known", "Already known"
    UNCHANGED = "unchanged", "Unchanged"
    CHANGED = "changed", "Metadata changed"
    RESTORED = "restored", "Found again"
    EDITED = "edited", "Edited"
    REMOVED = "removed", "Removed"
    ERASED = "erased", "Erased"
    FORGOTTEN = "forgotten", "Forgotten in the index"
    TRANSFERRED = "moved", "Transferred"
    EXPORTED = "exported", "Exported"
    HELD = "held", "On hold"
    CONFLICT = "conflict", "Changed elsewhere"
    IMPOSSIBLE = "impossible", "Not possible"
    GONE = "gone", "No longer in the index"
    MISSING = "missing", "Missing at the server"
    UNKNOWN_ID = "unknown", "Unknown to the server"
    NOT_PERMITTED = "refused", "Not permitted"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Not done"


RETRYABLE = [JobOutcome.NOT_PERMITTED, JobOutcome.FAILED, JobOutcome.SKIPPED, JobOutcome.HELD]
