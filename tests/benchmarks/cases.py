"""What is asked, in words taken from the data: each case the search's way, and the two ways it is compared with."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Max, QuerySet, Sum

from conversations.models import Conversation, Posting, Term
from conversations.query import parse
from conversations.search import Overview, Search
from tests.benchmarks.database import Naive

PAGE = 50
DEEP = 1_000  # the page that is far down
READ = 5_000  # conversations of which the words are counted

Ask = Callable[[Search], Any]
Peer = Callable[[QuerySet[Naive]], Any]


@dataclass(frozen=True)
class Case:
    """`kind` names its goal. `ask` is what is timed of the search; `naive` and `admin` ask for the same elsewhere."""

    name: str
    kind: str
    query: str
    before: int | None = None
    ask: Ask | None = None
    naive: Peer | None = None
    admin: str | None = None


@dataclass(frozen=True)
class Words:
    """Pairs and words with the frequencies that their names tell."""

    env: str
    topic: str  # the most frequent
    seldom: str  # a topic of about one in a hundred
    tenant: str  # of about one in a hundred
    small: str  # a tenant of about one in a thousand
    user: str  # of five conversations
    common: str  # part of every third summary
    medium: str  # of one in a hundred
    rare: str  # as rare as any


def words(count: int) -> Words:
    """Look at the data for them."""
    frequent, medium, rare = _parts()
    return Words(
        env=_near("env", count),
        topic=_near("topic", count),
        seldom=_near("topic", count / 100),
        tenant=_near("tenant", count / 100),
        small=_near("tenant", count / 1_000),
        user=_near("user_id", 5),
        common=frequent,
        medium=medium,
        rare=rare,
    )


def _near(key: str, wanted: float) -> str:
    """The value of a key that about so many conversations bear, all credentials together."""
    terms = Term.objects.filter(key=key, value__isnull=False).order_by()
    numbers = dict(terms.values_list("value").annotate(Sum("n")))
    return min(numbers, key=lambda value: (abs(numbers[value] - wanted), value)) or ""


def _parts() -> tuple[str, str, str]:
    """Words of summaries: in every third of them, in one of a hundred, and the rarest."""
    newest = Conversation.objects.order_by("-sort_key").values_list("metadata", flat=True)[:READ]
    summaries = [metadata["summary"] for metadata in newest if "summary" in metadata]
    counts = Counter(word for text in summaries for word in set(text.split()) if len(word) > 4)
    candidates = [word for word, _ in counts.most_common(40)] + [word for word, n in counts.items() if n < 60][:400]
    shares = {word: sum(word in text for text in summaries) / len(summaries) for word in candidates}
    near = (min(shares, key=lambda word: (abs(shares[word] - wanted), word)) for wanted in (0.33, 0.01, 0.0))
    common, medium, rare = near
    return common, medium, rare


def pages(count: int) -> list[Case]:
    """One page of 50 each."""
    w = words(count)
    newest = Conversation.objects.aggregate(Max("created_at"))["created_at__max"]
    start, end = ((newest - timedelta(days=days)).date() for days in (400, 370))
    of_env = Naive.objects.filter(metadata__env=w.env)
    at_page = slice((DEEP - 1) * PAGE, DEEP * PAGE + 1)
    both = f'env:{w.env} topic:"{w.topic}"'
    return [
        Case("default list, without removed", "exact", "-state:removed", admin=""),
        Case("rare pair", "exact", f"user_id:{w.user}", naive=_first(metadata__user_id=w.user), admin=w.user),
        Case("common pair", "exact", f"env:{w.env}", naive=_first(metadata__env=w.env), admin=w.env),
        Case(f"common pair, page {DEEP:,}", "exact", f"env:{w.env}", before=_deep_cursor(w.env),
             naive=lambda rows: list(of_env.order_by("-created_at")[at_page])),
        Case("two common pairs", "exact", both, naive=_first(metadata__env=w.env, metadata__topic=w.topic),
             admin=f'{w.env} "{w.topic}"'),
        Case("common and rarer pair", "skip", f'topic:"{w.topic}" tenant:{w.tenant}',
             naive=_first(metadata__topic=w.topic, metadata__tenant=w.tenant), admin=f'"{w.topic}" {w.tenant}'),
        Case("two pairs that seldom meet", "skip", f'topic:"{w.seldom}" tenant:{w.small}',
             naive=_first(metadata__topic=w.seldom, metadata__tenant=w.small), admin=f'"{w.seldom}" {w.small}'),
        Case("not", "exact", f'env:{w.env} -topic:"{w.topic}"',
             naive=lambda rows: list(rows.filter(metadata__env=w.env).exclude(metadata__topic=w.topic)[: PAGE + 1])),
        Case("has a key", "exact", "has:summary", naive=_first(metadata__has_key="summary")),
        Case("month a year ago, and a pair", "exact", f'created:{start}..{end} topic:"{w.topic}"',
             naive=_first(created_at__date__gte=start, created_at__date__lte=end, metadata__topic=w.topic)),
        Case("beginning of a frequent value", "part", "tenant:tenant-00*",
             naive=_first(metadata__tenant__startswith="tenant-00")),
        Case("beginning of a rare value", "part", "order_id:ORD-000001*",
             naive=_first(metadata__order_id__startswith="ORD-000001"), admin="ORD-000001"),
        Case("part of a value: rare", "part", f"summary:~{w.rare}",
             naive=_first(metadata__summary__icontains=w.rare), admin=w.rare),
        Case("part of a value: none", "part", "summary:~zqxjkv",
             naive=_first(metadata__summary__icontains="zqxjkv"), admin="zqxjkv"),
        Case("part of a value: common", "part", f"summary:~{w.common}",
             naive=_first(metadata__summary__icontains=w.common), admin=w.common),
        Case("part of a value: 1 in 100", "part", f"summary:~{w.medium}",
             naive=_first(metadata__summary__icontains=w.medium), admin=w.medium),
        Case("part of any value: rare", "part", w.rare, admin=w.rare),
    ]  # fmt: skip


def overviews(count: int) -> list[Case]:
    """What is told beside a page."""
    w = words(count)
    env, both = f"env:{w.env}", f'env:{w.env} topic:"{w.topic}"'
    naive_count: Peer = lambda rows: rows.filter(metadata__env=w.env, metadata__topic=w.topic).count()  # noqa: E731
    return [
        Case("number, up to 10,000", "count", both, ask=lambda search: Overview(search).number, naive=naive_count),
        Case("number of a pair", "known", env, ask=lambda search: Overview(search).number,
             naive=lambda rows: rows.filter(metadata__env=w.env).count()),
        Case("facets of a search", "facets", both, ask=lambda search: Overview(search).counts),
        Case("facets of everything", "known", "", ask=lambda search: Overview(search).counts),
        Case("facets of the default list", "known", "-state:removed", ask=lambda search: Overview(search).counts),
        Case("histogram of a pair", "histogram", env, ask=lambda search: Overview(search).histogram),
        Case("histogram of a search", "histogram", both, ask=lambda search: Overview(search).histogram),
    ]  # fmt: skip


def _first(**conditions: Any) -> Peer:
    return lambda rows: list(rows.filter(**conditions)[: PAGE + 1])


def _deep_cursor(env: str) -> int:
    """Below it lies the page that is far down."""
    sort_keys = (
        Posting.objects.filter(term__key="env", term__value=env)
        .order_by("-sort_key")
        .values_list("sort_key", flat=True)
    )
    return int(sort_keys[(DEEP - 1) * PAGE - 1])


def search_for(case: Case, user: Any) -> Search:
    """The search that a page makes of the case's text."""
    return Search.for_user(parse(case.query), user)
