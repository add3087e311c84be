"""What is written about the code is true of it."""

import re
import subprocess

import pytest

from tests.architecture.documents import DOCUMENTS, ROOT, stale

TARGET = re.compile(r"^([a-z-]+):.*## ", re.MULTILINE)
COMMAND = re.compile(r"\bmake ([a-z-]+)")
PATH = re.compile(r"`((?:[\w.{}-]+/)+[\w.{}-]*)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")
TREES = (
    "protocol",
    "broker",
    "platform",
    "agent",
    "client",
    "tests",
    "docs",
    "config",
    "benchmarks",
)


def tracked(pattern):
    """Give the files of the repository that match, without those of other people's packages."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).is_file()]


PAGES = tracked("*.md")


def code(page):
    """Give what stands in code on the page: only there `make x` is a command."""
    return "\n".join(re.findall(r"```.*?```|`[^`]+`", page.read_text(), re.DOTALL))


def test_generated_documents_are_fresh():
    assert stale() == [], "run `make docs`"


def test_every_stored_api_document_is_generated():
    stored = {f"docs/api/{path.name}" for path in (ROOT / "docs/api").glob("*.json")}
    assert stored == {path for path in DOCUMENTS if path.startswith("docs/api/")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_command_exists(page):
    targets = set(TARGET.findall((ROOT / "Makefile").read_text()))
    assert set(COMMAND.findall(code(page))) <= targets


def test_the_readme_opens_with_the_two_commands():
    first = (ROOT / "README.md").read_text()[:2_000]
    assert "make demo" in first
    assert "make test" in first


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page):
    links = [link for link in LINK.findall(page.read_text()) if "//" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_path_a_page_names_exists(page):
    named = [path for path in PATH.findall(page.read_text()) if path.split("/")[0] in TREES]
    plain = [path for path in named if "{" not in path]
    assert [path for path in plain if not (ROOT / path).exists()] == []


def test_help_lists_every_target_for_people():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("help", "demo", "up", "test", "services", "check", "bench", "docs", "lock"):
        assert re.search(rf"^  make {target} +\w", done.stdout, re.MULTILINE), target


def test_decisions_are_numbered_without_gaps_in_their_list():
    folder = ROOT / "docs" / "adr"
    files = {path.name for path in folder.glob("[0-9]*.md")}
    listed = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text()))
    assert listed == files


def test_every_decision_that_code_names_is_written_down():
    numbers = {path.name[:4] for path in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    named = {
        (str(path.relative_to(ROOT)), number)
        for path in tracked("*.py")
        for number in re.findall(r"docs/adr/(\d{4})", path.read_text())
    }
    assert {(path, number) for path, number in named if number not in numbers} == set()
