"""Fingerprints: one for a fault, whatever numbers, ids and paths it names."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.logs.fingerprint import essence, fingerprint, frames, normalise, title
from muster_protocol.messages import ExceptionInfo, Level, LogRecord

PYTHON = """Traceback (most recent call last):
  File "/home/a/app/main.py", line 10, in run
    self.step(4)
  File "/home/a/app/camera.py", line 77, in open
    raise OSError(5)
OSError: 5
"""
JAVA = """java.lang.IllegalStateException: closed
    at com.acme.Camera.open(Camera.java:31)
    at com.acme.Main$$Lambda$14/0x0000.run(Unknown Source)
    at com.acme.Main.main(Main.kt:9)
"""
SCRIPT = """TypeError: x is undefined
    at open (https://a.example/assets/app.3fae12bc9d.js:1:2345)
    at async Object.run (file:///data/app/main.js:7:1)
    at /data/app/index.js:3:9
"""
GECKO = "open@https://a.example/app.js:1:2\nrun@https://a.example/app.js:9:1"
NATIVE = """#0 0x00007f3c in camera_open (dev=0x55d0) at camera.c:12
#1 0x00007f99 in main () at main.c:40"""


def record(message="m", level=Level.ERROR, exception=None, logger="app"):
    return LogRecord(level=level, message=message, exception=exception, logger=logger)


def fault(stacktrace="", kind="OSError", message="no"):
    return record(exception=ExceptionInfo(type=kind, message=message, stacktrace=stacktrace))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("took 12.5 ms, 3 of 7", "took <n> ms, <n> of <n>"),
        ("user 018f3a2e-7b1c-7def-8123-0123456789ab left", "user <uuid> left"),
        ("at 0xDEADBEEF and deadbeef01", "at <hex> and <hex>"),
        ("open /var/lib/app/db-3.sqlite failed", "open <path> failed"),
        (r"open C:\Users\ann\x.txt failed", "open <path> failed"),
        (
            "to 10.0.0.7:1883 from fe80::1 at aa:bb:cc:dd:ee:ff",
            "to <address> from <address> at <address>",
        ),
        ("mail ann@example.org", "mail <email>"),
        ("GET https://a.example/x?y=1 failed", "GET <url> failed"),
        ("2026-11-24T05:40:38.123Z  started\tup", "<n><n><n>T<n>Z started up"),
        ("feedback accepted", "feedback accepted"),
    ],
)
def test_what_varies_is_taken_out(text, normal):
    assert normalise(text) == normal


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        (PYTHON, ["camera.py:open", "main.py:run"]),
        (
            JAVA,
            [
                "Camera.java:com.acme.Camera.open",
                "Main.kt:com.acme.Main.main",
            ],
        ),
        (SCRIPT, ["app.<hex>.js:open", "main.js:Object.run", "index.js:"]),
        (GECKO, ["app.js:open", "app.js:run"]),
        ("something else\nentirely", []),
    ],
)
def test_innermost_frames_first_without_lines(stack, expected):
    assert frames(stack) == expected


def test_native_frames_are_read_without_addresses():
    assert frames(NATIVE) == [
        "camera_open (dev=<hex>) at camera.c:<n>",
        "main () at main.c:<n>",
    ]


def test_only_errors_have_one():
    for level in Level:
        found = fingerprint(record(level=level))
        assert len(found) == (32 if level in (Level.ERROR, Level.FATAL) else 0)


def test_the_same_fault_elsewhere_is_the_same():
    there = (
        PYTHON.replace("/home/a/", "/opt/b/")
        .replace("77", "78")
        .replace("OSError(5)", "OSError(6)")
    )
    assert fingerprint(fault(PYTHON)) == fingerprint(fault(there, message="other words"))
    assert fingerprint(record("lost 3 frames")) == fingerprint(record("lost 40 frames"))


def test_other_faults_differ():
    found = {
        fingerprint(one)
        for one in (
            fault(PYTHON),
            fault(JAVA),
            fault(PYTHON, kind="ValueError"),
            fault(message="no such host"),
            record("lost 3 frames"),
            record("lost 3 frames", logger="net"),
        )
    }
    assert len(found) == 6


@given(st.text(max_size=300))
def test_normalising_twice_is_normalising_once(text):
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(), st.text(), st.text())
def test_any_record_has_a_fingerprint(message, kind, stack):
    assert len(fingerprint(fault(stack, kind, message))) == 32
    assert len(fingerprint(record(message))) == 32


@pytest.mark.parametrize("unit", ["/", "a:", "0", "x@", "a.", "at a(", "(", ":1", "#0 ", "\\a"])
def test_hostile_text_costs_no_more_than_long_text(unit):
    text = (unit * 65_536)[:65_536]
    started = time.process_time()
    essence(fault(text, "T", text))
    essence(record(text))
    # Milliseconds; a pattern that backtracks without bound would take minutes.
    assert time.process_time() - started < 5.0


PINNED = [
    (record("lens 4 lost"), "5c8aeee8d0a7c0f70e46abf601d8ab39"),
    (fault(PYTHON), "616e8f4d04a1953b259c126ae81648cb"),
    (fault(JAVA, kind="java.lang.IllegalStateException"), "325cadd0d1554d1fc7e378edcf15ab1a"),
    (fault(kind="OSError", message="no 7"), "e945ac0d40de7c768c4b6017d7e9275c"),
]


@pytest.mark.parametrize(("one", "expected"), PINNED)
def test_a_fingerprint_is_the_same_for_ever(one, expected):
    """Decision 86: whoever changes these makes a second algorithm beside the first."""
    assert fingerprint(one) == expected


noise = st.one_of(
    st.integers(0, 10**12).map(str),
    st.uuids().map(str),
    st.ip_addresses(v=4).map(str),
    st.integers(2**32, 2**63).map(hex),
    st.from_regex(r"/[a-z]{1,8}/[a-z]{1,8}/[a-z]{1,8}\.txt", fullmatch=True),
)


@given(noise, noise)
def test_two_of_a_kind_that_differ_in_what_varies_are_one_fault(one, two):
    found = {fingerprint(record(f"open {value} failed: {value}")) for value in (one, two)}
    kinds = {normalise(one), normalise(two)}
    assert len(found) == len(kinds)


@given(st.text(max_size=200))
def test_normalising_twice_changes_nothing_more_than_space(text):
    once = normalise(text)
    assert normalise(once) == once


@given(st.text(max_size=80), st.text(max_size=80), st.sampled_from([PYTHON, JAVA, SCRIPT, ""]))
def test_the_title_is_the_same_for_all_records_of_a_fingerprint(one, two, stacktrace):
    records = [fault(stacktrace, message=text) for text in (one, two)]
    if len({fingerprint(item) for item in records}) == 1:
        titles = {
            title(i.exception.type, i.message, i.exception.message, i.exception.stacktrace)
            for i in records
        }
        assert len(titles) == 1
