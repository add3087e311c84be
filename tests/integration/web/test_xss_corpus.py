"""Whatever a device or a person writes stays text: on every page, in every export and mail.

Every column of every table that holds text from outside is filled with a payload by the tables'
own description; then every page is drawn, and must be made of the very elements and attributes
that it is made of with harmless text.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jinja2 import Environment, meta
from sqlalchemy import Connection, LargeBinary, String, Table, Text, select, update

from muster_platform.access import audit_guard, mail_texts
from muster_platform.db.base import Base
from muster_platform.web.api import ROUTES
from muster_platform.web.api.routing import Caller
from tests.integration.web.conftest import ADMIN, World
from tests.integration.web.hostile import (
    ATTRIBUTES,
    CODE,
    CORPUS,
    FORMULAS,
    MARKUP,
    UNICODE,
    Skeleton,
    difference,
    fitting,
    shown,
)
from tests.integration.web.page_samples import rules, url_of
from tests.integration.web.samples import fresh, path_of, query_of
from tests.integration.web.test_page_matrix import signed_in
from tests.services.database import MigratedSqlite

OURS = frozenset(
    {
        *("id", "path", "kind", "state", "mode", "contact", "act", "purpose", "jti", "family"),
        *("email", "permission", "bucket", "dedup", "outcome", "boot", "channel", "prefix"),
        *("blocked_by", "author_kind", "actor_kind", "lease_owner", "owner", "token_prefix"),
        *("from_state", "to_state", "replaced_by", "fingerprint", "log_session", "why", "undoes"),
        *("group_path", "device_id", "sample_id", "resolved_in", "content", "subject_kind"),
        *("action", "request_id", "secret", "install_id", "html", "instance", "sealed"),
        *("severity", "builtin", "change", "step", "zone", "left_out", "sha256", "digest"),
        *("trigger", "retry_of", "wakes", "ended_state"),
    }
)
"""Columns whose text is chosen by Muster: words of a fixed list, ids, hashes."""

NAMES_IN_ADDRESSES = frozenset({"profiles.name", "roles.name", "leases.name", "part_beats.name"})
NAMES_IN_ADDRESSES |= {"retention_marks.name", "user_preferences.name", "user_preferences.value"}
LEFT = frozenset({"role_permissions", "idempotency_keys", "device_imports", "alembic_version"})

DOCUMENTS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(
        (
            *("audit_entries.before", "audit_entries.after", "devices.attributes"),
            *("device_settings.own", "device_settings.desired", "device_settings.reported"),
            *("settings_layers.desired", "log_records.fields"),
            *("device_events.data", "executions.result", "enrolment_requests.attributes"),
        ),
        lambda text: {text: text, "list": [text, {text: text}]},
    ),
    "device_settings.errors": lambda text: {text: text},
    "devices.capabilities": lambda text: [text],
    "jobs.document": lambda text: {"name": text, "args": {text: [text]}},
    "releases.data": lambda text: {text: [text]},
    "alarms.evidence": lambda text: {
        "values": [{"name": text, "value": text, "at": 1}],
        "records": [{"id": 1, "ts": 1, "level": "ERROR", "message": text}],
    },
}
"""JSON columns in a free form; others are documents of Muster's own."""


HARMLESS = "a harmless text"
TURNS, STEP = 8, 5


@pytest.fixture
def world(make_world: Callable[..., World], migrated_sqlite: MigratedSqlite) -> World:
    return make_world(migrated_sqlite.copy(), pages=True)


def columns(table: Table) -> dict[str, Callable[[str, Any], Any]]:
    """Give the columns of a table that hold text from outside, and what makes their value."""
    found: dict[str, Callable[[str, Any], Any]] = {}
    for column in table.columns:
        name, kind = f"{table.name}.{column.name}", column.type
        ours = column.name in OURS or column.name.endswith(("_id", "hash", "_key"))
        if name in DOCUMENTS:
            found[column.name] = lambda text, _row, make=DOCUMENTS[name]: make(text)
        elif ours or name in NAMES_IN_ADDRESSES or table.name in LEFT:
            continue
        elif isinstance(kind, String | Text):
            found[column.name] = lambda text, row, most=kind.length: fitting(text, most, row)
        elif isinstance(kind, LargeBinary):
            found[column.name] = lambda text, _row: text.encode()
    return found


Chosen = Callable[[str], str]
"""Column -> text to write into it."""


def poison(world: World, chosen: Chosen) -> int:
    """Write text wherever text from outside is kept; give how many values."""
    written = 0
    with world.platform.engine.begin() as connection:
        audit_guard.take_down(connection)
        for table in Base.metadata.sorted_tables:
            written += _poison(connection, table, chosen)
        audit_guard.put_up(connection)
    return written


def _poison(connection: Connection, table: Table, chosen: Chosen) -> int:
    makers = {n: m for n, m in columns(table).items() if not table.columns[n].primary_key}
    if not makers:
        return 0
    keys = list(table.primary_key.columns) or list(table.columns)
    rows = connection.execute(select(*keys)).all()
    for number, row in enumerate(rows):
        values = {
            name: make(chosen(f"{table.name}.{name}"), number) for name, make in makers.items()
        }
        where = [key == value for key, value in zip(keys, row, strict=True)]
        connection.execute(update(table).where(*where).values(values))
    return len(rows) * len(makers)


def turning(turn: int) -> Chosen:
    """Give each column another payload at each turn; all payloads come up in TURNS."""
    places: dict[str, int] = {}

    def choose(column: str) -> str:
        place = places.setdefault(column, len(places))
        return CORPUS[(place + turn * STEP) % len(CORPUS)]

    return choose


def addresses(world: World, names: dict[str, Any]) -> Iterator[str]:
    """Give the address of every page that the samples know; test_page_matrix.py tells of others."""
    for rule in rules(world.app, "GET"):
        with suppress(AssertionError):
            yield url_of(rule, names)


def drawn(client: FlaskClient, urls: Iterable[str]) -> dict[str, str]:
    """Draw pages; give the HTML by address, and insist that files hold no formula.

    Pages that break are left out: with harmless text test_page_matrix.py tells of them.
    """
    found = {}
    for url in urls:
        answer = client.get(url)
        if answer.status_code >= 500:
            continue
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.content_type.startswith("text/html"):
            found[url] = answer.text
        else:
            found[url] = ""
            if answer.content_type.startswith("text/csv"):
                no_formulas(url, answer.text)
            answer.get_data()
    return found


def no_formulas(url: str, text: str) -> None:
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
                assert cell.lstrip("-").replace(".", "", 1).isdecimal(), f"{url}: {cell!r}"


def test_hostile_text_changes_no_page(world: World) -> None:
    names, client, wrong = fresh(world), signed_in(world, ADMIN), []
    assert poison(world, lambda column: f"{HARMLESS} for {column}") > 100
    harmless = drawn(client, addresses(world, names))
    # What shows no text from outside cannot change with it. Files ("") are looked at each time.
    told = [url for url, html in harmless.items() if not html or HARMLESS in html]
    before = {url: Skeleton(html) for url, html in drawn(client, told).items()}
    assert len(before) > 30
    seen: set[str] = set()
    for turn in range(TURNS):
        poison(world, turning(turn))
        pages = {url: Skeleton(html) for url, html in drawn(client, before).items()}
        wrong += [f"turn {turn} breaks {url}" for url in before if url not in pages]
        for url, page in pages.items():
            if other := difference(before[url], page):
                wrong.append(f"turn {turn} on {url}: {other}")
            wrong += [f"turn {turn} on {url}: {danger}" for danger in page.dangers]
            if "49" in page.text:
                wrong.append(f"turn {turn} on {url}: a template in a value was run")
        seen |= {payload for payload in CORPUS if shown(payload, pages.values())}
    assert not wrong, "\n".join(wrong[:60])
    assert seen == set(CORPUS), f"shown nowhere: {set(CORPUS) - seen}"


def test_the_api_gives_hostile_text_as_data(world: World) -> None:
    names = fresh(world)
    payload = MARKUP[0] + FORMULAS[0]
    poison(world, lambda _column: payload)
    told = 0
    for route in ROUTES:
        if route.method != "GET" or route.caller is not Caller.USER:
            continue
        answer = world.call("GET", path_of(route, names), ADMIN, query_string=query_of(route))
        assert answer.status_code < 500, f"{route.path}: {answer.text}"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.content_type == "application/octet-stream":
            assert answer.headers["Content-Disposition"].startswith("attachment"), route.path
            answer.close()
            continue
        assert answer.content_type.split(";")[0] in (
            *("application/json", "text/csv", "application/jsonl", "application/problem+json"),
        ), route.path
        if answer.content_type.startswith("text/csv"):
            no_formulas(route.path, answer.text)
        told += MARKUP[0] in answer.text
    assert told > 10


TEMPLATES = Path(mail_texts.__file__).parent / "mail_templates"
KINDS = sorted(path.stem for path in TEMPLATES.glob("*.html") if path.stem != "base")
ADDRESS = "https://muster.example/admin/link/x"
OURS_IN_MAILS = {
    **dict.fromkeys(("link", "acknowledge", "list_link", "public_url"), ADDRESS),
    "total": 3,
    "rules": 2,
    "more": 1,
}


def mail(kind: str, text: str) -> tuple[str, str, str]:
    """Make a mail whose every value, but for addresses and numbers of our own, is a text."""
    names: set[str] = set()
    for ending in ("txt", "html"):
        source = (TEMPLATES / f"{kind}.{ending}").read_text()
        names |= meta.find_undeclared_variables(Environment().parse(source))
    line = {
        "link": ADDRESS,
        **dict.fromkeys(("title", "severity", "where", "since", "ended"), text),
    }
    values = {**dict.fromkeys(names, text), **OURS_IN_MAILS, "lines": [line]}
    return mail_texts.render(kind, **values)


@pytest.mark.parametrize("kind", KINDS)
def test_mails_show_hostile_text_and_nothing_more(kind: str) -> None:
    for payload in (*MARKUP, *ATTRIBUTES, *CODE, *UNICODE):
        harmless, hostile = Skeleton(mail(kind, "harmless")[2]), Skeleton(mail(kind, payload)[2])
        assert difference(harmless, hostile) == "", payload
        assert hostile.dangers == [], payload
        assert shown(" ".join(payload.split()), [hostile]), payload
        assert "49" not in hostile.text
