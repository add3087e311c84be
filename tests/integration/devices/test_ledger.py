"""The ledger against devices that count as no device should: nobody else may pay for it."""

import pytest

from muster_platform.devices.ingest.ledger import LedgerBook, Place, ledgers
from muster_protocol.codec import encode
from muster_protocol.limits import PAYLOAD_BYTES
from muster_protocol.messages import AgentVersion, Hello
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN, TestPlatform

HUGE = 2**62
DAY_S = 24 * 3600


@pytest.fixture
def key(platform: TestPlatform, fleet: object) -> int:
    return load(platform, "cam-1").id


def _hello(platform: TestPlatform, key: int) -> None:
    agent = AgentVersion(name="a", version="1")
    with platform.unit(ADMIN) as unit:
        book = LedgerBook(unit.session.connection(), unit.now())
        book.hello(key, Hello(session=1, install_id="i", agent=agent, profile="p", boot="now"))
        book.flush()


def test_totals_stay_within_their_column(platform: TestPlatform, key: int) -> None:
    for boots in ("abc", "def"):
        with platform.unit(ADMIN) as unit:
            book = LedgerBook(unit.session.connection(), unit.now())
            for boot in boots:
                assert book.take(Place(key, boot, "telemetry"), HUGE)
            book.flush()
        _hello(platform, key)
        platform.time.advance(s=DAY_S + 1)
        _hello(platform, key)
    with platform.unit(ADMIN, write=False) as unit:
        found = unit.session.connection().exec_driver_sql("SELECT stored, lost FROM ledger_totals")
        assert found.all() == [(6, HUGE)]


def test_what_a_device_is_told_fits_a_payload(platform: TestPlatform, key: int) -> None:
    with platform.unit(ADMIN) as unit:
        book = LedgerBook(unit.session.connection(), unit.now())
        for boot in range(100):
            for gap in range(100):
                book.take(Place(key, f"{boot:064}", "telemetry"), HUGE - 1000 + 2 * gap)
        book.flush()
    platform.time.advance(s=1)
    with platform.unit(ADMIN) as unit:
        book = LedgerBook(unit.session.connection(), unit.now())
        book.take(Place(key, "newest", "logs"), 1)
        book.flush()
    with platform.unit(ADMIN, write=False) as unit:
        told = ledgers(unit.session.connection(), {key})[key]
    assert told.stored["newest"] == {"logs": 1}
    assert PAYLOAD_BYTES / 2 < len(encode(told)) < PAYLOAD_BYTES
