"""What the README and the pages of docs point at is there, and whoever reads finds every page and package."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
README = PROJECT / "README.md"
PAGES = sorted((PROJECT / "docs").glob("*.md"))
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
DOCUMENTED = re.compile(r"\bdocs/[a-z0-9-]+\.md\b")


def anchors(page: Path) -> set[str]:
    """The names under which a page's headings can be linked to."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> Iterator[str]:
    for path, anchor in LINK.findall(page.read_text()):
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield f"{path}#{anchor}" if anchor else path


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


def test_the_readme_leads_to_every_page() -> None:
    linked = {path for path, _ in LINK.findall(README.read_text())}

    assert [page.name for page in PAGES if f"docs/{page.name}" not in linked] == []


def test_the_readme_lists_every_package() -> None:
    named = set(re.findall(r"^\| `(phal2[\w.]*)` \|", README.read_text(), re.MULTILINE))
    rooms = [path.parent for path in sorted((PROJECT / "phal2").glob("*/__init__.py"))]
    rooms += [path.parent for path in sorted((PROJECT / "phal2" / "node").glob("*/__init__.py"))]

    packages = {".".join(room.relative_to(PROJECT).parts) for room in rooms}
    assert packages - {"phal2.node"} == named


def test_pages_that_the_sources_name_are_there() -> None:
    named = {page for source in (PROJECT / "phal2").rglob("*.py") for page in DOCUMENTED.findall(source.read_text())}

    assert "docs/attested-transactions.md" in named
    assert [page for page in sorted(named) if not (PROJECT / page).exists()] == []
