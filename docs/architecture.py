"""Draws docs/architecture.svg, the packages of the app and what may import what: `python docs/architecture.py`.

An arrow means "may import". Arrows that follow from others are left out, and so are those to the pure modules.
tests/test_architecture_drawing.py compares the drawing with the directions that are enforced.
"""

import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

TARGET = Path(__file__).with_suffix(".svg")
TITLE = "The packages of the app, and which may import which"

WIDTH, MARGIN, GAP = 700, 16, 14
COLUMNS = 5
COLUMN = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS
ROW, BOX = 88, 50  # from the top of one row to the next, and the height of a box


@dataclass(frozen=True)
class Box:
    """A part of the app: its column may be a fraction, its width is in columns."""

    name: str
    note: str
    column: float
    row: float
    columns: float = 1

    @property
    def left(self) -> float:
        return MARGIN + self.column * (COLUMN + GAP)

    @property
    def width(self) -> float:
        return self.columns * (COLUMN + GAP) - GAP

    @property
    def top(self) -> float:
        return MARGIN + self.row * ROW


BOXES = [
    Box("apps", "start of the app", 0, 0),
    Box("checks", "", 0, 1, 0.5),
    Box("roles", "", 1.68, 3, 0.5),
    Box("urls", "URL to view", 2, 0),
    Box("views", "pages and actions", 2, 1),
    Box("api", "for applications", 1.1, 1, 0.82),
    Box("management", "commands", 3, 1),
    Box("admin", "credentials, people", 4, 1),
    Box("templatetags", "text, made safe", 0, 2),
    Box("forms", "what people type", 2, 2),
    Box("jobs", "long work · jobs.kinds", 2.75, 3),
    Box("exports", "CSV, JSON, receipts", 1.9, 4, 0.95),
    Box("services", "call, then store", 3, 4),
    Box("examples", "seed data", 4.2, 3, 0.8),
    Box("pages", "what pages share", 0.6, 3),
    Box("search", "asking the index", 1, 5),
    Box("models", "rows · models.index (terms, postings)", 0.5, 6, 2),
    Box("openai", "the API's client", 3, 6),
    Box("sandbox", "a stand-in server", 4, 6),
]

# From, to, and where along their edges (0 to 1) the arrow begins and ends.
ARROWS = [
    ("apps", "checks", 0.25, 0.5),
    ("apps", "roles", 0.6, 0.15),
    ("urls", "views", 0.5, 0.5),
    ("urls", "api", 0.2, 0.5),
    ("api", "services", 0.6, 0.1),
    ("views", "forms", 0.5, 0.35),
    ("views", "jobs", 0.85, 0.35),
    ("views", "pages", 0.05, 0.72),
    ("admin", "forms", 0.2, 0.85),
    ("admin", "services", 0.4, 0.9),
    ("management", "jobs", 0.4, 0.75),
    ("management", "examples", 0.75, 0.3),
    ("jobs", "exports", 0.1, 0.6),
    ("jobs", "services", 0.5, 0.4),
    ("templatetags", "pages", 0.6, 0.2),
    ("exports", "search", 0.3, 0.8),
    ("forms", "roles", 0.1, 0.6),
    ("forms", "models", 0.36, 0.9),
    ("forms", "openai", 0.7, 0.2),
    ("pages", "search", 0.3, 0.7),
    ("search", "models", 0.5, 0.5),
    ("services", "search", 0.2, 0.95),
    ("services", "openai", 0.6, 0.6),
    ("examples", "models", 0.3, 0.93),
    ("management", "sandbox", 0.97, 0.95),
]

PURE_ROW = 6.95
PURE = [
    ("query", "search language"),
    ("items", "what an item shows"),
    ("importing", "ids in files"),
    ("metadata", "limits"),
    ("edits", "steps"),
]
PURE += [("encryption", "sealed secrets")]
PURE_INSIDE = {
    "openai": ("base_url", "certificates", "request_preview", "scrubbing"),
    "exports": ("csv", "transcripts"),
}
BAND = 140  # the height of what is around them

STYLE = """<style>
  .back { fill: #ffffff } .box { fill: #f3f6f5; stroke: #8fa39b } .band { fill: #eaf3ef; stroke: #b9cdc4 }
  .arrow { fill: none; stroke: #5d7068; stroke-width: 1.3 } .head { fill: #5d7068 }
  text { font-family: system-ui, sans-serif; fill: #1c2521; text-anchor: middle }
  .name { font-size: 14px; font-weight: 600 } .note { font-size: 11px; fill: #4a5a53 }
  @media (prefers-color-scheme: dark) {
    .back { fill: #14191c } .box { fill: #1f272b; stroke: #5c6f78 } .band { fill: #182420; stroke: #3d5549 }
    .arrow { stroke: #93a7b0 } .head { fill: #93a7b0 } text { fill: #e8eef0 } .note { fill: #b3c1c7 }
  }
</style>"""
HEAD = (
    '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path class="head" d="M0 0 8 4 0 8z"/></marker>'
)


def drawing() -> str:
    """The SVG."""
    boxes = {box.name: box for box in BOXES}
    band_top = MARGIN + PURE_ROW * ROW
    height = band_top + BAND + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img">',
            f"<title>{TITLE}</title>",
            STYLE,
            f"<defs>{HEAD}</defs>",
            f'<rect class="back" width="{WIDTH}" height="{height:g}" rx="8"/>',
            *(arrow(boxes[start], boxes[end], leaves, arrives) for start, end, leaves, arrives in ARROWS),
            *(square(box.left, box.top, box.width, box.name, box.note) for box in BOXES),
            *band(band_top),
            "</svg>\n",
        ]
    )


def arrow(start: Box, end: Box, leaves: float, arrives: float) -> str:
    """A curve from the lower edge of one box to the upper edge of another; its title says what it means."""
    x1, x2 = start.left + start.width * leaves, end.left + end.width * arrives
    y1, y2 = start.top + BOX, end.top
    middle = (y1 + y2) / 2
    curve = f"M{x1:.1f} {y1:g}C{x1:.1f} {middle:g} {x2:.1f} {middle:g} {x2:.1f} {y2:g}"
    title = f"<title>{start.name} may import {end.name}</title>"
    return f'<path class="arrow" d="{curve}" marker-end="url(#head)">{title}</path>'


def square(left: float, top: float, width: float, name: str, note: str) -> str:
    """A box with a name and, below it, a note."""
    middle = left + width / 2
    below = text("note", middle, top + 39, note) if note else ""
    return rectangle("box", left, top, width, BOX) + text("name", middle, top + (21 if note else 30), name) + below


def band(top: float) -> list[str]:
    """The pure modules, those inside other packages included."""
    step = (WIDTH - 2 * MARGIN - 24 + GAP) / len(PURE)
    places = [MARGIN + 12 + number * step for number in range(len(PURE))]
    inside = ", ".join(f"{package}.{name}" for package, names in PURE_INSIDE.items() for name in names)
    first, second = inside.split(", exports.", 1)
    return [
        rectangle("band", MARGIN, top, WIDTH - 2 * MARGIN, BAND),
        text("note", WIDTH / 2, top + 20, "Pure: no Django, no network. The parts above import what they need."),
        *(square(x, top + 32, step - GAP, name, note) for x, (name, note) in zip(places, PURE, strict=True)),
        text("note", WIDTH / 2, top + 104, f"also {first},"),
        text("note", WIDTH / 2, top + 122, f"exports.{second}"),
    ]


def rectangle(kind: str, left: float, top: float, width: float, height: float) -> str:
    """A rectangle with round corners."""
    size = f'width="{width:.1f}" height="{height:g}"'
    return f'<rect class="{kind}" x="{left:.1f}" y="{top:g}" {size} rx="6"/>'


def text(kind: str, x: float, y: float, words: str) -> str:
    """A line of text around `x`."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:g}">{escape(words)}</text>'


if __name__ == "__main__":
    TARGET.write_text(drawing())
    sys.stdout.write(f"{TARGET}\n")
