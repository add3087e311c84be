"""The pages of logs and fingerprints: what they show, what they refuse, what stays text."""

import re

import pytest

from muster_platform.devices.service import DeviceService
from muster_platform.logs import counting
from muster_platform.logs import ingest as logs_ingest
from muster_platform.logs.fingerprint import fingerprint
from muster_protocol.messages import ExceptionInfo, Level, LogRecord, Logs
from tests.integration.site.conftest import ADMIN, OPERATOR, SYSTEM, VIEWER

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def records(world):
    """One calm record and two errors of each probe; the texts would be markup."""
    with world.platform.unit(SYSTEM) as unit:
        for device_id in ("probe-1", "probe-2"):
            key = DeviceService(unit).get(device_id).id
            trace = f'File "a{EVIL}.py", line 1, in run\n{EVIL}'
            fault = ExceptionInfo(type=EVIL, message=EVIL, stacktrace=trace)
            said = [
                LogRecord(level=Level.INFO, logger=EVIL, message=f"calm of {device_id}"),
                LogRecord(level=Level.ERROR, message=f"{EVIL} {device_id}", fields={EVIL: EVIL}),
                LogRecord(level=Level.ERROR, message=EVIL, exception=fault),
            ]
            rows = list(
                logs_ingest.rows(
                    key, Logs(records=said, boot="b", seq=1), unit.now(), "b.1", fingerprint
                )
            )
            counting.count(unit.session.connection(), rows, unit.now())
            logs_ingest.write(unit.session.connection(), rows)
    return world


def _links(text, part):
    return [m.replace("&amp;", "&") for m in re.findall(rf'href="(/admin/{part}[^"#]*)', text)]


def test_what_devices_say_stays_text_on_every_page(records):
    browser = records.browser()
    search = browser.text("/admin/logs/")
    record = _links(search, "logs/record/")[0]
    faults = browser.text("/admin/fingerprints/")
    pages = [search, faults, browser.text(record), browser.text("/admin/logs/follow")]
    pages += [browser.text(link) for link in _links(faults, "fingerprints/[0-9a-f]{32}/")]
    for page in pages:
        assert EVIL not in page
    assert "&lt;script&gt;" in search


def test_nothing_of_a_foreign_group_is_on_the_pages(records):
    browser = records.browser(OPERATOR)
    mine = browser.text("/admin/logs/")
    assert "calm of probe-1" in mine
    assert "probe-2" not in mine
    faults = browser.text("/admin/fingerprints/")
    assert "probe-2" not in faults
    assert "probe-2" not in browser.get("/admin/logs/export.csv").text
    assert "probe-2" not in browser.get("/admin/logs/export.jsonl").text
    assert "probe-2" not in browser.get("/admin/logs/tail.json").text
    everything = records.browser(ADMIN).text("/admin/logs/?device=probe-2")
    foreign = _links(everything, "logs/record/")[0]
    assert browser.get(foreign).status_code == 404


def test_whoever_may_read_no_logs_gets_none_of_the_pages(records):
    browser = records.browser(VIEWER)
    for path in ("logs/", "logs/follow", "logs/tail.json", "logs/export.jsonl", "fingerprints/"):
        assert browser.get(f"/admin/{path}").status_code == 403, path


def test_a_mistake_is_told_beside_the_form_and_what_was_typed_is_kept(records):
    answer = records.browser().get('/admin/logs/?text=lens+"lost')
    assert answer.status_code == 422
    assert "(character 6)" in answer.text
    assert "lens &#34;lost" in answer.text


def test_bars_and_counts_lead_to_a_closer_look(records):
    text = records.browser().text("/admin/logs/?range=1h")
    assert "6</strong> records" in text
    closer = [link for link in _links(text, r"logs/\?") if "since=" in link]
    assert closer
    assert "only=ERROR" in text


def test_what_records_have_in_common_names_faults_by_their_titles(records):
    text = records.browser().text("/admin/logs/")
    title = re.search(r'href="[^"]*fingerprint=[0-9a-f]{32}[^"]*">([^<]*)</a>', text)
    assert title is not None
    assert re.fullmatch("[0-9a-f]{32}", title.group(1)) is None


def test_a_fault_is_resolved_and_opened_again_on_its_page(records):
    browser = records.browser()
    page = _links(browser.text("/admin/fingerprints/"), "fingerprints/[0-9a-f]{32}/")[0]
    done = browser.post(
        f"{page}decide", version="1", state="RESOLVED", resolved_in="2.1", reason="fixed"
    )
    assert "Resolved" in done.text
    assert "resolved it in 2.1: fixed" in done.text
    stale = browser.post(f"{page}decide", version="1", state="IGNORED")
    assert "somebody else" in stale.text.lower()
    again = browser.post(f"{page}decide", version="2", state="OPEN", assignee="me", note=EVIL)
    assert "opened it again" in again.text
    assert EVIL not in again.text
    bad = browser.post(f"{page}decide", version="x", state="LOUD")
    assert "not complete" in bad.text


def test_a_fault_of_two_groups_is_not_decided_by_whoever_acts_in_one(records):
    browser = records.browser(OPERATOR)
    page = _links(browser.text("/admin/fingerprints/"), "fingerprints/[0-9a-f]{32}/")
    codes = {browser.post(f"{one}decide", version="1", state="IGNORED").status_code for one in page}
    assert 403 in codes
