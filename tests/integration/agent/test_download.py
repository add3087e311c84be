"""Downloads over real HTTP: cut, taken up, refused, redirected, lied to."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muster_agent.updates import Downloader, Origin, UpdateError
from muster_agent.updates.disk import Disk
from muster_agent.updates.errors import UpdateCanceled
from muster_protocol.messages import Artifact
from tests.services.artifacts import ArtifactServer

DATA = bytes(range(256)) * 8192  # 2 MiB
PATH = "/api/v1/device/artifacts/1/app.bin"
BASIC = "Basic ZGV2LTE6czNjcmV0"  # dev-1:s3cret


@pytest.fixture
def server() -> Iterator[ArtifactServer]:
    made = ArtifactServer(files={PATH: DATA})
    yield made
    made.close()


@pytest.fixture
def other() -> Iterator[ArtifactServer]:
    made = ArtifactServer(files={"/elsewhere": DATA})
    yield made
    made.close()


class Fetcher:
    def __init__(self, server: ArtifactServer, folder: Path) -> None:
        self.target = folder / "0.part"
        self.heard: list[int] = []
        self.waited: list[float] = []
        self.disk = Disk()
        self.downloader = Downloader(Origin(server.url, "dev-1", "s3cret"), self.disk)

    def fetch(
        self,
        url: str = PATH,
        *,
        size: int = len(DATA),
        digest: str = hashlib.sha256(DATA).hexdigest(),
        tell: Callable[[int], None] | None = None,
    ) -> None:
        artifact = Artifact(name="app.bin", url=url, size=size, sha256=digest)
        try:
            self.downloader.fetch(artifact, self.target, tell or self.heard.append, self._wait)
        finally:
            self.downloader.close()

    def _wait(self, seconds: float) -> None:
        self.waited.append(seconds)


@pytest.fixture
def fetcher(server: ArtifactServer, tmp_path: Path) -> Fetcher:
    return Fetcher(server, tmp_path)


def code(error: pytest.ExceptionInfo[UpdateError]) -> str:
    return error.value.code


def test_a_relative_url_is_fetched_from_the_devices_server_with_its_secret(
    fetcher: Fetcher, server: ArtifactServer
) -> None:
    fetcher.fetch()
    assert fetcher.target.read_bytes() == DATA
    assert [(s.range, s.authorization) for s in server.seen] == [("", BASIC)]
    assert fetcher.heard == sorted(fetcher.heard)
    assert fetcher.heard[-1] == len(DATA)


def test_a_cut_download_goes_on_where_it_was_and_no_byte_is_sent_twice(
    fetcher: Fetcher, server: ArtifactServer
) -> None:
    server.cut_after = [700_000, 0, 300_000]
    fetcher.fetch()
    assert fetcher.target.read_bytes() == DATA
    assert [s.range for s in server.seen] == [
        "",
        "bytes=700000-",
        "bytes=700000-",
        "bytes=1000000-",
    ]
    assert sum(s.sent for s in server.seen) == len(DATA)


def test_a_stopped_download_is_taken_up_by_the_next_start(
    server: ArtifactServer, tmp_path: Path
) -> None:
    def stop(have: int) -> None:
        if have > 600_000:
            raise UpdateCanceled("stop here")

    first = Fetcher(server, tmp_path)
    with pytest.raises(UpdateCanceled):
        first.fetch(tell=stop)
    have = first.target.stat().st_size
    assert 600_000 < have < len(DATA)
    second = Fetcher(server, tmp_path)
    second.fetch()
    assert second.target.read_bytes() == DATA
    assert server.seen[-1].range == f"bytes={have}-"
    assert server.seen[-1].sent == len(DATA) - have


def test_a_server_without_ranges_is_read_from_the_beginning(
    fetcher: Fetcher, server: ArtifactServer
) -> None:
    server.ranges, server.cut_after = False, [700_000]
    fetcher.fetch()
    assert fetcher.target.read_bytes() == DATA


def test_a_part_that_a_power_cut_spoiled_is_fetched_again(
    fetcher: Fetcher, server: ArtifactServer
) -> None:
    fetcher.target.write_bytes(b"\0" * 700_000)
    fetcher.fetch()
    assert fetcher.target.read_bytes() == DATA
    assert [s.range for s in server.seen] == ["bytes=700000-", ""]


def test_a_wrong_sha256_fails_and_leaves_nothing(fetcher: Fetcher) -> None:
    with pytest.raises(UpdateError) as error:
        fetcher.fetch(digest="0" * 64)
    assert code(error) == "checksum"
    assert not fetcher.target.exists()


def test_more_bytes_than_announced_fail_and_leave_nothing(fetcher: Fetcher) -> None:
    with pytest.raises(UpdateError) as error:
        fetcher.fetch(size=1000)
    assert code(error) == "checksum"
    assert not fetcher.target.exists()


def test_fewer_bytes_than_announced_give_up_after_eight_attempts(
    fetcher: Fetcher, server: ArtifactServer
) -> None:
    server.files[PATH] = DATA[:1000]
    server.cut_after = [1000] + [0] * 20
    with pytest.raises(UpdateError) as error:
        fetcher.fetch()
    assert code(error) == "download"
    assert len(server.seen) == 9  # the first one brought something
    assert fetcher.waited == sorted(fetcher.waited)


def test_a_file_that_became_shorter_gives_up_too(fetcher: Fetcher, server: ArtifactServer) -> None:
    server.files[PATH] = DATA[:1000]
    server.cut_after = [1000] * 30
    fetcher.target.write_bytes(DATA[:5000])
    server.statuses = [416]
    with pytest.raises(UpdateError) as error:
        fetcher.fetch()
    assert code(error) == "download"


def test_too_little_room_is_said_before_a_byte_is_asked_for(
    fetcher: Fetcher, server: ArtifactServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetcher.disk, "free_bytes", lambda _: 1_000_000)
    with pytest.raises(UpdateError) as error:
        fetcher.fetch()
    assert code(error) == "disk_full"
    assert server.seen == []


def test_the_secret_is_never_sent_to_another_host(
    fetcher: Fetcher, server: ArtifactServer, other: ArtifactServer
) -> None:
    server.redirects[PATH] = f"{other.url}/elsewhere"
    fetcher.fetch()
    assert fetcher.target.read_bytes() == DATA
    assert [s.authorization for s in server.seen] == [BASIC]
    assert [s.authorization for s in other.seen] == [""]


def test_an_artifact_elsewhere_is_fetched_without_the_secret(
    fetcher: Fetcher, other: ArtifactServer
) -> None:
    fetcher.fetch(f"{other.url}/elsewhere")
    assert [s.authorization for s in other.seen] == [""]


def test_redirects_in_a_circle_and_to_other_schemes_are_refused(
    fetcher: Fetcher, server: ArtifactServer
) -> None:
    for place in (PATH, "file:///etc/passwd", "ftp://127.0.0.1/x"):
        server.redirects[PATH] = place
        with pytest.raises(UpdateError) as error:
            fetcher.fetch()
        assert code(error) == "refused"


def test_who_wants_the_secret_from_elsewhere_is_named(
    fetcher: Fetcher, server: ArtifactServer, other: ArtifactServer
) -> None:
    other.statuses = [401]
    with pytest.raises(UpdateError, match=f"is told to {server.url} only"):
        fetcher.fetch(f"{other.url}/elsewhere")


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_not_tried_again(
    fetcher: Fetcher, server: ArtifactServer, status: int
) -> None:
    server.statuses = [status]
    with pytest.raises(UpdateError) as error:
        fetcher.fetch()
    assert code(error) == "refused"
    assert str(status) in str(error.value)
    assert len(server.seen) == 1


def test_a_server_in_trouble_is_asked_again(fetcher: Fetcher, server: ArtifactServer) -> None:
    server.statuses = [503, 429]
    fetcher.fetch()
    assert fetcher.target.read_bytes() == DATA
    assert len(fetcher.waited) == 2
