"""docs/architecture.svg is what its script draws, and shows the packages and the directions that there are."""

from xml.etree import ElementTree

from docs import architecture
from tests.test_architecture import ALLOWED, APP, PURE

NAMESPACE = "{http://www.w3.org/2000/svg}"


def texts(tag: str) -> list[str]:
    """The texts in the drawing of elements with this tag."""
    svg = ElementTree.fromstring(architecture.drawing())  # noqa: S314  our own
    return [each.text or "" for each in svg.iter(f"{NAMESPACE}{tag}")]


def arrows() -> set[tuple[str, ...]]:
    return {tuple(title.split(" may import ")) for title in texts("title") if title != architecture.TITLE}


def reachable(part: str) -> set[str]:
    """What a part may import, directly or through others, besides the pure modules."""
    direct = ALLOWED[part] - PURE - {part}
    return direct.union(*(reachable(other) for other in direct))


def needed_arrows() -> set[tuple[str, ...]]:
    """The allowed directions without those that follow from others, and without those to the pure modules."""
    found = set()
    for part in ALLOWED.keys() - PURE:
        direct = ALLOWED[part] - PURE - {part}
        implied = set().union(*(reachable(other) for other in direct))
        found |= {(part, other) for other in direct - implied}
    return found


def test_the_drawing_is_what_its_script_draws() -> None:
    assert architecture.TARGET.read_text() == architecture.drawing()


def packages() -> set[str]:
    folders = (path.parent.relative_to(APP) for path in APP.rglob("__init__.py"))
    return {".".join(folder.parts) for folder in folders} - {"", "management.commands"}


def test_it_names_each_package_and_part() -> None:
    shown = " ".join(texts("text")).replace(",", " ").split()
    assert sorted((packages() | ALLOWED.keys()) - {*shown, "migrations"}) == []


def test_the_page_has_a_line_for_each_package() -> None:
    lines = [line for line in architecture.TARGET.with_suffix(".md").read_text().splitlines() if line.startswith("| `")]
    listed = " ".join(lines)
    assert [name for name in sorted(packages()) if f"`{name.replace('.', '/')}/`" not in listed] == []


def test_it_draws_each_direction_that_does_not_follow_from_others() -> None:
    assert arrows() == needed_arrows()


def test_it_names_the_pure_modules() -> None:
    inside = {f"{package}.{name}" for package, names in architecture.PURE_INSIDE.items() for name in names}
    assert {name for name, _ in architecture.PURE} | inside == PURE
