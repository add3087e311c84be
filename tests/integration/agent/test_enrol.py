"""`muster agent enrol`: a token becomes a secret in the state folder, or one clear line."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muster_agent.errors import EXIT_CODES
from tests.integration.agent.enrol_stub import EnrolStub
from tests.services.muster import MusterProcess

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def stub() -> Iterator[EnrolStub]:
    with EnrolStub(1883).serving() as serving:
        yield serving


@pytest.fixture
def enrol(tmp_path: Path, muster_process: Callable[..., MusterProcess], stub: EnrolStub) -> Run:
    def run(
        device_id: str = "dev-1", server: str = stub.url, token: str = "tok"
    ) -> tuple[int, str]:
        process = muster_process(
            *("agent", "enrol", "--server", server, "--token", token),
            *("--device-id", device_id, "--state", str(tmp_path / "state")),
        )
        return process.wait(20), process.output()

    return run


def identity(tmp_path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((tmp_path / "state" / "identity.json").read_text())
    return found


def test_the_secret_is_kept_for_the_owner_only(enrol: Run, stub: EnrolStub, tmp_path: Path) -> None:
    code, output = enrol()
    assert code == 0
    assert "muster agent run" in output
    assert "secret-1" not in output
    assert identity(tmp_path)["secret"] == "secret-1"
    mode = os.stat(tmp_path / "state" / "identity.json").st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_asking_again_is_the_same_installation(enrol: Run, stub: EnrolStub, tmp_path: Path) -> None:
    stub.script = [(503, {"title": "busy"})]
    assert enrol()[0] == EXIT_CODES["unavailable"]
    assert enrol()[0] == 0
    assert stub.asked[0]["install_id"] == stub.asked[1]["install_id"]
    assert identity(tmp_path)["secret"] == "secret-2"


def test_a_pending_enrolment_waits_for_approval(enrol: Run, stub: EnrolStub) -> None:
    stub.script = [(202, {"retry_after_s": 1})]
    code, output = enrol()
    assert (code, len(stub.asked)) == (0, 2)
    assert "waits for approval" in output


@pytest.mark.parametrize(("status", "code"), [(401, "denied"), (409, "conflict")])
def test_a_refusal_is_one_line_with_the_servers_reason(
    enrol: Run, stub: EnrolStub, status: int, code: str
) -> None:
    stub.script = [(status, {"title": "No", "detail": "the token is spent"})]
    found, output = enrol()
    assert found == EXIT_CODES[code]
    assert output.strip().splitlines() == [output.strip()]
    assert "the token is spent" in output


def test_another_device_does_not_take_over_the_folder(enrol: Run) -> None:
    assert enrol()[0] == 0
    code, output = enrol("dev-2")
    assert code == EXIT_CODES["configuration"]
    assert "belongs to dev-1" in output


def test_wrong_words_are_refused_before_anything_is_sent(enrol: Run, stub: EnrolStub) -> None:
    assert enrol("_no device")[0] == EXIT_CODES["configuration"]
    assert enrol(server="ftp://x")[0] == EXIT_CODES["configuration"]
    assert enrol(server="http://127.0.0.1:9")[0] == EXIT_CODES["unavailable"]
    assert stub.asked == []
