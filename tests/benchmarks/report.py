"""What was measured, as Markdown tables and as a plot."""

import os
import platform
from collections.abc import Callable, Iterable
from datetime import date
from html import escape
from math import log10
from typing import Any

GOALS = {  # milliseconds at a million, on SQLite and on PostgreSQL
    "exact": (1, 5),
    "skip": (4, 15),
    "part": (3, 10),
    "count": (12, 12),
    "facets": (15, 25),
    "page": (8, 12),
}
MISSED = "▲"
GOAL_SIZE = 1_000_000

Found = dict[str, Any]
Cell = Callable[[Found, str], str]


def told(found: list[Found], command: str) -> str:
    """All tables, with the machine and the command."""
    names = list(dict.fromkeys(name for each in found for name in each["results"]))
    largest = [max(of, key=lambda each: each["count"]) for of in by_engine(found)]
    parts = [
        f"Measured on {date.today():%Y-%m-%d}: {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{', '.join(dict.fromkeys(each['engine'] for each in found))}; "
        f"`python -m tests.benchmarks.search {command}`.\n"
        f"Milliseconds: median (fastest–slowest). {MISSED}: the median misses the goal, which holds for a million.",
        "### The databases",
        table(
            ["", *map(title, found)],
            [
                ["seeding", *(f"{each['seconds']:.0f} s" if each["seconds"] else "–" for each in found)],
                ["load of the machine, before and after", *("–".join(f"{n:.1f}" for n in e["load"]) for e in found)],
                ["size", *(f"{each['bytes'] / 2**20:,.0f} MiB" for each in found)],
            ],
        ),
        "### The search alone",
        "From the text of the query to the numbers of 51 rows; the rows themselves and the page are not in it.",
        measured(found, names, "search"),
        "### Whole pages over HTTP",
        "One signed-in client, an operator with a team, and gunicorn as `manage.py run` starts it. What is beside the"
        " list (“overview”) is loaded after it.",
        measured(found, names, "page"),
        measured(found, names, "overview"),
        "### Beside two simpler ways",
        "*Naive* is a query over a JSON column and an index by date, without its page. *Admin* is the page of Django's"
        " admin, which searches the metadata as text: over HTTP as our page.",
        *(f"{title(each)}:\n\n{compared(each, names)}" for each in largest),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def by_engine(found: list[Found]) -> list[list[Found]]:
    """What was found on each engine, the smallest first."""
    engines = dict.fromkeys(each["engine"] for each in found)
    return [sorted((e for e in found if e["engine"] == engine), key=lambda e: e["count"]) for engine in engines]


def title(each: Found) -> str:
    """Engine and size."""
    count = each["count"]
    size = f"{count // 10**6}M" if count % 10**6 == 0 else f"{count // 1000}k"
    return f"{each['engine'].split()[0]} {size}"


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Markdown; all columns but the first stand on the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def measured(found: list[Found], names: list[str], what: str) -> str:
    """One kind of measurement on all databases, with its goals, and its growth from the smallest to the largest."""
    own = [name for name in names if any(what in each["results"].get(name, {}) for each in found)]
    grown = [of for of in by_engine(found) if len(of) > 1]
    head = ["", *map(title, found), "goal", *(f"growth, {of[0]['engine'].split()[0]}" for of in grown)]
    rows = []
    for name in own:
        goal = goal_of(found, name, what)
        cells = [cell(each, name, what) for each in found]
        rows.append([name, *cells, f"{goal[0]} / {goal[1]}" if goal else "", *(growth(of, name, what) for of in grown)])
    return table(head, rows) if rows else ""


def goal_of(found: list[Found], name: str, what: str) -> tuple[int, int] | None:
    """The goals on both engines, if there are any."""
    kind = next(each["results"][name]["kind"] for each in found if name in each["results"])
    return GOALS.get(what if what == "page" and kind != "page" else kind if what == "search" else "")


def cell(each: Found, name: str, what: str) -> str:
    """Median, fastest and slowest, marked where the goal is missed."""
    taken = each["results"].get(name, {}).get(what)
    if taken is None:
        return "–"
    goal = goal_of([each], name, what)
    limit = goal["PostgreSQL" in each["engine"]] if goal else None
    is_missed = limit is not None and each["count"] >= GOAL_SIZE and taken["median"] > limit
    median, fastest, slowest = (number(taken[which]) for which in ("median", "minimum", "maximum"))
    return f"{MISSED + ' ' if is_missed else ''}{median} ({fastest}–{slowest})"


def growth(of: list[Found], name: str, what: str) -> str:
    """How many times longer it takes at the largest size."""
    first, last = (each["results"].get(name, {}).get(what) for each in (of[0], of[-1]))
    return f"{last['median'] / first['median']:.1f} ×" if first and last else "–"


def number(milliseconds: float) -> str:
    """With as many figures as are worth reading."""
    return f"{milliseconds:.1f}" if milliseconds < 10 else f"{milliseconds:,.0f}"


WAYS = {"search": "our search", "page": "our page", "naive": "naive", "admin": "admin"}


def compared(each: Found, names: list[str]) -> str:
    """Our search and page beside the naive query and the admin's page."""
    rows = []
    for name in names:
        taken = each["results"].get(name, {})
        if "naive" in taken or "admin" in taken:
            rows.append([name, *(number(taken[way]["median"]) if way in taken else "–" for way in WAYS)])
    return table(["", *WAYS.values()], rows)


# The plot

WIDTH, LEFT, BAR, GAP = 860, 220, 9, 10
DECADES = (0.1, 10_000)  # milliseconds, from edge to edge
STYLE = """<style>
  text { font: 12px sans-serif; fill: #333 } .title { font-weight: bold } .grid { stroke: #8884 }
  .page { fill: #1a7f5a } .naive { fill: #d08a1d } .admin { fill: #8b8fa3 }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } }
</style>"""


def plot(found: list[Found]) -> str:
    """Bars on a logarithmic scale, for each engine's largest database: our page, the naive query, the admin's page."""
    lines: list[str] = []
    y = 24.0
    for of in by_engine(found):
        lines.append(f'<text class="title" x="10" y="{y}">{escape(title(of[-1]))}</text>')
        added, y = panel(of[-1], y + 14)
        lines += added
        y += 34
    legend = zip(("page", "naive", "admin"), (LEFT, LEFT + 190, LEFT + 400), strict=True)
    words = {"page": "our page over HTTP", "naive": "naive JSON query, no page", "admin": "Django admin over HTTP"}
    for way, x in legend:
        lines.append(f'<rect class="{way}" x="{x}" y="{y - 20}" width="10" height="10"/>')
        lines.append(f'<text x="{x + 15}" y="{y - 11}">{words[way]}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" role="img">'
    name = "<title>Milliseconds of a search at the largest size measured, logarithmic</title>"
    return "\n".join([head, name, STYLE, *lines, "</svg>"]) + "\n"


def panel(each: Found, top: float) -> tuple[list[str], float]:
    """The bars of one database, and where they end."""
    wanted = {name: of for name, of in each["results"].items() if {"page", "naive", "admin"} <= of.keys()}
    bottom = top + len(wanted) * (3 * BAR + GAP)
    lines = []
    for power in range(-1, 5):
        x = place(10**power)
        lines.append(f'<line class="grid" x1="{x:.0f}" x2="{x:.0f}" y1="{top}" y2="{bottom}"/>')
        lines.append(f'<text x="{x:.0f}" y="{bottom + 14}" text-anchor="middle">{10**power:,g} ms</text>')
    for row, (name, of) in enumerate(wanted.items()):
        y = top + row * (3 * BAR + GAP) + GAP / 2
        lines.append(f'<text x="{LEFT - 8}" y="{y + 18}" text-anchor="end">{escape(name)}</text>')
        for line, way in enumerate(("page", "naive", "admin")):
            lines += bar(way, of[way]["median"], y + line * BAR)
    return lines, bottom + 14


def place(milliseconds: float) -> float:
    """Where a time stands on the scale."""
    low, high = map(log10, DECADES)
    return LEFT + (WIDTH - LEFT - 60) * (min(max(log10(milliseconds), low), high) - low) / (high - low)


def bar(way: str, milliseconds: float, y: float) -> list[str]:
    """A bar with its number."""
    end = max(place(milliseconds), LEFT + 1)
    return [
        f'<rect class="{way}" x="{LEFT}" y="{y:.0f}" width="{end - LEFT:.0f}" height="{BAR - 1}"/>',
        f'<text x="{end + 4:.0f}" y="{y + BAR - 1:.0f}" style="font-size:9px">{number(milliseconds)}</text>',
    ]
