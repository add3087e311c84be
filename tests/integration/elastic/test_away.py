"""Elasticsearch away: a problem that says so, never a stack trace; a purge goes on later."""

import json

import pytest
from sqlalchemy import literal, select

from muster_platform.devices.profiles import ProfileService
from muster_platform.errors import InvalidInput, Unavailable
from muster_platform.logs.elastic.store import ElasticLogStore
from muster_platform.logs.filter import LogFilter
from muster_platform.logs.hooks import LogHooks
from muster_platform.logs.service import LogService
from muster_platform.logs.store import LogQuery
from muster_platform.logs.stores import store_of
from muster_platform.logs.text_query import parse
from muster_platform.paging import PageRequest
from muster_platform.stream.bulk import action
from muster_platform.web.api.local import ACTOR
from muster_platform.web.app import create_app
from muster_platform.worker.elastic import drop_log_days
from tests.integration.elastic.test_indexer import made
from tests.services.database import ADMIN, TestPlatform

AT = 1_764_000_000_000
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def away(migrated_sqlite, tmp_path):
    built = TestPlatform(migrated_sqlite.copy(), tmp_path / "state")
    built.configure(log_store="elasticsearch", elasticsearch_urls=(NOWHERE,))
    yield built
    built.close()


def test_a_search_says_that_the_log_store_is_away_and_where_it_should_be(away):
    with away.unit(ADMIN, write=False) as unit, pytest.raises(Unavailable) as caught:
        LogService(unit).search(LogFilter(), PageRequest())
    assert caught.value.detail.startswith(f"the log store is away: {NOWHERE}")


def test_a_purge_does_not_end_while_it_is_away(away):
    with away.unit(ADMIN) as unit, pytest.raises(Unavailable):
        LogHooks().on_purge(unit, 1, 10)


def test_the_api_answers_503_with_the_problem(away):
    client = create_app(away, pages=False).test_client()
    answer = client.get("/api/v1/logs", environ_overrides={ACTOR: ADMIN})
    assert answer.status_code == 503
    assert "the log store is away" in answer.json["detail"]


def test_the_store_is_elasticsearch(platform):
    with platform.unit(ADMIN, write=False) as unit:
        assert isinstance(store_of(unit), ElasticLogStore)


def test_a_purge_deletes_there_too(platform):
    lines = b"".join(_lines(5))
    platform.server.call("POST", "/_bulk?refresh=true", lines)
    with platform.units.open(ADMIN) as unit:
        assert [LogHooks().on_purge(unit, 1, 3) for _ in range(3)] == [3, 2, 0]
    assert platform.server.call("GET", "/muster-logs-*/_count")["count"] == 0


def test_days_go_when_no_profile_wants_them(platform):
    platform.server.call("POST", "/_bulk?refresh=true", b"".join(_lines(5)))
    assert drop_log_days(platform) == 0
    with platform.units.open(ADMIN) as unit:
        ProfileService(unit).create("camera")
    platform.configure(logs_kept_days=1)
    platform.time.advance(ms=AT + 3 * 86_400_000 - platform.time.now_ms())
    assert drop_log_days(platform) == 1


def test_a_phrase_that_fits_too_much_is_refused_with_a_hint(platform):
    platform.server.call("POST", "/_bulk?refresh=true", b"".join(_words(20_000)))
    with platform.unit(ADMIN, write=False) as unit:
        query = LogQuery(select(literal(1)), terms=parse('"a b"'))
        with pytest.raises(InvalidInput, match="fits too many words"):
            store_of(unit).search(query, 1, newest_first=True)


def _lines(number):
    return [action("muster-logs", value) for value in made(number)]


def _words(number):
    document = json.loads(made(1)[0])
    for start in range(0, number, 500):
        words = " ".join(f"{place}a b{place}" for place in range(start, start + 500))
        document |= {"message": words, "event": document["event"] | {"id": f"1.w.{start}"}}
        yield action("muster-logs", json.dumps(document).encode())
