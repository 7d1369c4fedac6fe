"""The architecture: imports point down only, and functions and modules stay short."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APP = ROOT / "conversations"
MODULES = sorted(path for path in APP.rglob("*.py") if "migrations" not in path.parts)
MODULE_NAMES = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES}

# What knows neither Django nor the network, though some of it stands in the client's package.
PURE = {
    *("metadata", "edits", "encryption", "query", "items", "importing", "exports.csv", "exports.transcripts"),
    *("openai.base_url", "openai.certificates", "openai.request_preview", "openai.scrubbing"),
}
# What each part may import, besides itself.
ALLOWED: dict[str, set[str]] = {
    **dict.fromkeys(PURE, PURE),
    "openai": {"metadata", "openai.scrubbing"},
    "sandbox": {"metadata"},
    "examples": {"models", "metadata"},
    "roles": set(),
    "checks": {"openai.certificates", "encryption"},
    "apps": {"checks", "roles"},
    "models": PURE,
    "search": {"models", *PURE},
    "exports": {"search", "models", *PURE},
    "services": {"search", "models", "openai", *PURE},
    "jobs": {"services", "search", "exports", "models", "openai", *PURE},
    "pages": {"search", "models", *PURE},
    "forms": {"models", "openai", "roles", *PURE},
    "templatetags": {"models", "metadata", "pages", "items"},
    "views": {"forms", "services", "jobs", "models", "pages", "search", "exports", "openai", "roles", *PURE},
    "admin": {"forms", "services", "models", "encryption"},
    "api": {"services", "models", "search", "openai", *PURE},
    "urls": {"api", "pages", "views"},
    "management": {"examples", "jobs", "models", "services", "sandbox", "openai", *PURE},
}
NETWORK = {"requests", "urllib3", "http", "socket", "ssl"}


def part_of(name: str) -> str:
    """The part that a module belongs to, by its name inside the package."""
    first, *rest = name.split(".")
    own = ".".join([first, *rest[:1]])
    return own if own in ALLOWED else first


def name_of(path: Path) -> str:
    """The name of a module inside the package."""
    return ".".join(path.relative_to(APP).with_suffix("").parts)


@cache
def tree(path: Path) -> ast.Module:
    """The module, parsed."""
    return ast.parse(path.read_text())


@cache
def imported(path: Path) -> frozenset[str]:
    """The absolute names that a module imports."""
    return frozenset(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    package = ["conversations", *path.relative_to(APP).parts[:-1]]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            full_names = {f"{module}.{alias.name}" for alias in node.names}
            yield from full_names if full_names <= MODULE_NAMES else {module, *full_names}


def parts_imported(path: Path) -> set[str]:
    """The other parts that a module imports."""
    names = (name.removeprefix("conversations.") for name in imported(path) if name.startswith("conversations."))
    return {part_of(name) for name in names} & {*ALLOWED} - {part_of(name_of(path))}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(APP)))
def test_imports_point_down_only(path: Path) -> None:
    part = part_of(name_of(path))
    if part != "__init__":
        assert parts_imported(path) <= ALLOWED[part], f"{part} may not import these"


@pytest.mark.long
def test_no_import_is_allowed_that_nothing_needs() -> None:
    used: dict[str, set[str]] = {}
    for path in MODULES:
        used.setdefault(part_of(name_of(path)), set()).update(parts_imported(path))
    unused = {part: allowed - used.get(part, set()) - PURE - {part} for part, allowed in ALLOWED.items()}
    assert {part: names for part, names in unused.items() if names} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(APP)))
def test_pure_modules_and_the_client_know_nothing_of_django(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    if part_of(name_of(path)) in PURE | {"openai", "sandbox"}:
        assert "django" not in roots
    if part_of(name_of(path)) in PURE:
        assert not roots & NETWORK


def test_only_responses_knows_htmx() -> None:
    knowing = {name_of(path) for path in MODULES if "htmx" in path.read_text().lower()}
    assert knowing == {"pages.responses"}


def test_only_settings_reads_the_environment_file() -> None:
    reading = [path.name for path in MODULES if "environ.Env" in path.read_text()]
    assert reading == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(APP)))
def test_no_module_is_longer_than_one_reads_in_a_sitting(path: Path) -> None:
    text = path.read_text()
    limit = 25 if part_of(name_of(path)) == "views" else 40
    assert text.count("\n") <= 350
    too_long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= limit
    ]
    assert too_long == []


@pytest.mark.long
def test_every_public_function_outside_views_says_what_it_does() -> None:
    silent = [
        f"{path.relative_to(APP)}: {node.name}"
        for path in MODULES
        if part_of(name_of(path)) not in {"views", "admin", "sandbox", "templatetags", "management", "examples"}
        for node in ast.iter_child_nodes(tree(path))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_views_do_not_filter_by_fields() -> None:
    filtering = [path.name for path in MODULES if part_of(name_of(path)) == "views" and ".filter(" in path.read_text()]
    assert filtering == []


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_templates_are_short_and_hold_no_inline_style_or_script(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 120
    assert [number for number, line in enumerate(text.splitlines(), start=1) if len(line) > 160] == []
    assert "style=" not in text
    assert "<style" not in text
    assert " on" + "click=" not in text
    assert "hx-on" not in text


def test_the_top_level_is_as_it_was_fixed() -> None:
    fixed = {"manage.py", "requirements.txt", "convadmin", "conversations", "templates", "static", "tests"}
    beside = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"}
    beside |= {"dev", "pyproject.toml", "docs", "Dockerfile", "compose.yaml"}
    left_by_use = {"staticfiles", "data", "screenshots", "gecko.log"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - left_by_use <= fixed | beside
    assert fixed <= found
