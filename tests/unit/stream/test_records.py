"""Documents of log records: complete, by their own identity, whatever the record holds."""

import json

from muster_platform.logs.ingest import rows
from muster_platform.stream.records import DeviceContext, documents, iso
from muster_protocol.messages import Level, LogRecord, Logs
from muster_protocol.messages.logs import ExceptionInfo

AT = 1_764_000_000_123
CONTEXT = DeviceContext("d-1", "Lift 1", "gateway", "2.1.0", "/1/7/")


def _made(*records: LogRecord, session: str | None = None) -> list[dict[str, object]]:
    message = Logs(boot="b", seq=4, records=list(records), log_session=session)
    made = list(rows(9, message, AT, "b.4", lambda r: "f" * 32 if r.exception else ""))
    return [json.loads(one.value) for one in documents(made, {9: CONTEXT})]


def test_a_document_holds_identity_time_device_and_error() -> None:
    failure = ExceptionInfo(type="IOError", message="gone", stacktrace="at x")
    (made,) = _made(
        LogRecord(
            level=Level.ERROR,
            message="no",
            ts=AT - 5,
            logger="a.b",
            fields={"n": 1},
            exception=failure,
        ),
        session="s-1",
    )
    assert made == {
        "@timestamp": iso(AT - 5),
        "event": {"id": "9.b.4.0", "severity": 50, "ingested": "2025-11-24T16:00:00.123Z"},
        "log": {"level": "ERROR", "logger": "a.b"},
        "message": "no",
        "labels": {"n": 1},
        "error": {"type": "IOError", "message": "gone", "stack_trace": "at x"},
        "device": {
            "id": "d-1",
            "key": 9,
            "name": "Lift 1",
            "profile": "gateway",
            "group_path": "/1/7/",
        },
        "service": {"version": "2.1.0"},
        "muster": {
            "clamped": False,
            "ts_device": AT - 5,
            "fingerprint": "f" * 32,
            "log_session": "s-1",
        },
    }


def test_what_a_record_does_not_say_is_not_in_its_document() -> None:
    (made,) = _made(LogRecord(level=Level.INFO, message="hi"))
    assert not made.keys() & {"labels", "error"}
    assert made["muster"] == {"clamped": True}
    assert made["@timestamp"] == iso(AT)


def test_records_of_one_message_differ_in_identity_and_share_the_key() -> None:
    message = Logs(boot="b", seq=1, records=[LogRecord(level=Level.INFO, message="x")] * 3)
    made = documents(list(rows(9, message, AT, "b.1", lambda _: "")), {9: CONTEXT})
    ids = [json.loads(one.value)["event"]["id"] for one in made]
    assert ids == ["9.b.1.0", "9.b.1.1", "9.b.1.2"]
    assert {one.key for one in made} == {b"d-1"}


def test_a_row_of_an_unknown_device_is_left_out_and_the_others_stay() -> None:
    message = Logs(records=[LogRecord(level=Level.INFO, message="x")])
    known = list(rows(9, message, AT, "o", lambda _: ""))
    strange = list(rows(8, message, AT, "o", lambda _: ""))
    assert len(documents([*strange, *known], {9: CONTEXT})) == 1


def test_a_time_before_the_epoch_is_written_right() -> None:
    assert iso(-1) == "1969-12-31T23:59:59.999Z"
