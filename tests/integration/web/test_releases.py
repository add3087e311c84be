"""Releases over the API: their life, their files in pieces, and what devices may fetch."""

import base64
import hashlib
import os
from typing import Any

import pytest

from muster_platform.access.actor import system_actor
from muster_platform.access.models import AuditEntry
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.credentials import CredentialService
from muster_platform.devices.gateways import GatewayService
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.errors import Conflict, NotFound
from muster_platform.updates.catalog import release_ref
from tests.integration.web.conftest import World, role_user

DATA = bytes(range(256)) * 40
SHA = hashlib.sha256(DATA).hexdigest()
MANAGER = role_user("release_manager")


@pytest.fixture(autouse=True)
def _profiles(world: World) -> None:
    with world.platform.unit(system_actor("test")) as unit:
        for name in ("camera", "gateway", "other"):
            ProfileService(unit).create(name)


def made(world: World, **more: Any) -> dict[str, Any]:
    """Make a draft."""
    body = {
        "name": "Camera",
        "version": "2.1",
        "components": {"app": "2.1"},
        "profiles": ["camera"],
        "title": "New",
        "data": {"channel": "beta"},
        **more,
    }
    found: dict[str, Any] = world.ok("POST", "/releases", MANAGER, json=body)
    return found


def begun(world: World, release: dict[str, Any], **more: Any) -> str:
    """Announce DATA; give the path of the upload."""
    body = {"name": "app.bin", "size": len(DATA), "sha256": SHA, **more}
    path = f"/releases/{release['id']}/uploads"
    return f"{path}/{world.ok('POST', path, MANAGER, json=body)['id']}"


def send(world: World, path: str, offset: int, data: bytes) -> Any:
    """Send a piece."""
    return world.ok("PATCH", f"{path}?offset={offset}", MANAGER, data=data)


def with_file(world: World, **more: Any) -> dict[str, Any]:
    """Make a draft with one file."""
    release = made(world, **more)
    send(world, begun(world, release), 0, DATA)
    found: dict[str, Any] = world.ok("GET", f"/releases/{release['id']}", MANAGER)
    return found


def published(world: World, **more: Any) -> dict[str, Any]:
    """Publish one with a file."""
    release = with_file(world, **more)
    found: dict[str, Any] = world.ok("POST", f"/releases/{release['id']}/publish", MANAGER)
    return found


def test_a_release_goes_from_draft_to_published_to_revoked_and_never_back(world: World) -> None:
    release = published(world)
    path = f"/releases/{release['id']}"
    assert (release["state"], release["published_by"]) == ("PUBLISHED", MANAGER)
    with world.platform.unit(system_actor("test"), write=False) as unit:
        told = release_ref(unit.session, release["id"])
        camera = next(iter(told.profile_ids))
        (file,) = told.artifacts_for(camera, "https://m.example/")
    assert told.notification.title == "New"
    assert file.url == f"https://m.example/api/v1/device/artifacts/{release['artifacts'][0]['id']}"
    assert world.refused(409, "POST", f"{path}/publish", MANAGER)["type"].endswith("not_draft")
    revoked = world.ok("POST", f"{path}/revoke", MANAGER, json={"reason": "it burns"})
    assert (revoked["state"], revoked["reason"]) == ("REVOKED", "it burns")
    assert world.refused(409, "POST", f"{path}/publish", MANAGER)
    assert world.refused(409, "DELETE", path, MANAGER)
    with world.platform.unit(system_actor("test")) as unit:
        with pytest.raises(Conflict, match="it burns"):
            release_ref(unit.session, release["id"])
        with pytest.raises(NotFound):
            release_ref(unit.session, "none")
        acts = [row.action for row in unit.session.query(AuditEntry).order_by(AuditEntry.id)]
    wanted = ["release.create", "release.upload", "release.publish", "release.revoke"]
    assert [act for act in acts if act.startswith("release.")] == wanted


def test_what_devices_are_told_is_fixed_once_published_but_notes_are_not(world: World) -> None:
    path = f"/releases/{published(world)['id']}"
    assert world.ok("PATCH", path, MANAGER, json={"notes": "more"})["notes"] == "more"
    for change in ({"title": "Other"}, {"components": {"app": "3"}}, {"profiles": ["other"]}):
        found = world.refused(409, "PATCH", path, MANAGER, json=change)
        assert found["type"].endswith("not_draft")
    found = world.refused(
        409, "POST", f"{path}/uploads", MANAGER, json={"name": "b.bin", "size": 1}
    )
    assert found["type"].endswith("not_draft")


def test_a_draft_that_is_not_complete_is_not_published_and_says_what_it_lacks(world: World) -> None:
    release = made(world, components={}, profiles=[])
    path = f"/releases/{release['id']}"
    begun(world, release)
    found = world.refused(409, "POST", f"{path}/publish", MANAGER)
    assert [line.split()[1] for line in found["missing"]] == ["a", "a", "upload"]
    assert world.ok("GET", path)["missing"] == found["missing"]


def test_the_second_of_two_editors_hears_of_the_first(world: World) -> None:
    path = f"/releases/{made(world)['id']}"
    tag = world.call("GET", path).headers["ETag"]
    world.ok("PATCH", path, json={"title": "A"}, headers={"If-Match": tag})
    world.refused(412, "PATCH", path, json={"title": "B"}, headers={"If-Match": tag})
    world.refused(412, "POST", f"{path}/publish", headers={"If-Match": tag})
    assert world.ok("GET", path)["title"] == "A"


def test_a_name_and_version_are_there_once(world: World) -> None:
    made(world)
    body = {"name": "Camera", "version": "2.1"}
    assert world.refused(409, "POST", "/releases", json=body)["type"].endswith("exists")
    other = world.ok("POST", "/releases", json={**body, "version": "2.2"})
    world.refused(409, "PATCH", f"/releases/{other['id']}", json={"version": "2.1"})
    found = world.ok("GET", "/releases?search=2.2&state=DRAFT")["items"]
    assert [row["id"] for row in found] == [other["id"]]
    assert [row["version"] for row in world.ok("GET", "/releases?profile=camera")["items"]] == [
        "2.1"
    ]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"url": "javascript:alert(1)"}, "$.url"),
        ({"url": "file:///etc/passwd"}, "$.url"),
        ({"profiles": ["nobody"]}, "$.profiles"),
        ({"name": "two\nlines"}, "$.name"),
        ({"data": {"much": "x" * 20_000}}, "$.data"),
        ({"components": {" ": "1"}}, "$.components"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_place(
    world: World, change: dict[str, Any], where: str
) -> None:
    body = {"name": "N", "version": "1", **change}
    assert world.refused(422, "POST", "/releases", json=body)["where"] == where


def test_a_file_comes_in_pieces_and_goes_on_where_it_stopped(world: World) -> None:
    release = made(world)
    path = begun(world, release)
    assert send(world, path, 0, DATA[:1000])["received"] == 1000
    assert world.ok("GET", path, MANAGER)["received"] == 1000
    for wrong in (0, 999, 1001):
        found = world.refused(409, "PATCH", f"{path}?offset={wrong}", MANAGER, data=b"x")
        assert (found["type"].rpartition(":")[2], found["received"]) == ("wrong_offset", 1000)
    assert path.endswith(begun(world, release).rpartition("/")[2]), "the same one is under way"
    done = send(world, path, 1000, DATA[1000:])
    assert (done["received"], done["artifact"]["sha256"]) == (len(DATA), SHA)
    world.refused(404, "GET", path, MANAGER)
    file = f"/releases/{release['id']}/artifacts/{done['artifact']['id']}"
    assert world.call("GET", file).data == DATA
    found = world.refused(
        409, "POST", path.rpartition("/")[0], MANAGER, json={"name": "app.bin", "size": 1}
    )
    assert found["type"].endswith("exists")


def test_bytes_that_do_not_fit_their_checksum_are_thrown_away(world: World) -> None:
    path = begun(world, made(world))
    bad = DATA[:-1] + b"!"
    found = world.refused(409, "PATCH", f"{path}?offset=0", MANAGER, data=bad)
    assert found["type"].endswith("wrong_checksum")
    assert found["sha256"] == hashlib.sha256(bad).hexdigest()
    assert world.ok("GET", path, MANAGER)["received"] == 0
    assert send(world, path, 0, DATA)["artifact"]["sha256"] == SHA


def test_more_than_was_announced_is_refused_and_nothing_is_kept_of_it(world: World) -> None:
    path = begun(world, made(world))
    world.refused(422, "PATCH", f"{path}?offset=0", MANAGER, data=DATA + b"more")
    assert world.ok("GET", path, MANAGER)["received"] <= len(DATA)
    assert not list(world.platform.settings.artifacts_dir.glob("[0-9a-f][0-9a-f]/*"))


def test_a_crash_after_the_last_byte_is_mended_by_an_empty_piece(world: World) -> None:
    path = begun(world, made(world))
    upload_id = path.rpartition("/")[2]
    store = world.platform.artifacts
    store.append(upload_id, 0, [DATA], len(DATA))
    store.keep(upload_id, SHA)
    assert send(world, path, len(DATA), b"")["artifact"]["sha256"] == SHA


def test_a_disk_that_is_full_says_so_and_keeps_what_came(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = made(world)
    path = begun(world, release)
    send(world, path, 0, DATA[:500])

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    found = world.refused(503, "PATCH", f"{path}?offset=500", MANAGER, data=DATA[500:])
    assert found["type"].endswith("disk_full")
    monkeypatch.undo()
    received = world.ok("GET", path, MANAGER)["received"]
    assert received >= 500
    assert send(world, path, received, DATA[received:])["artifact"]["sha256"] == SHA


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "a\\b", "ä.bin", 'a"b', "a\r\nb"])
def test_a_file_is_never_named_like_a_path_or_a_header(world: World, name: str) -> None:
    path = f"/releases/{made(world)['id']}/uploads"
    found = world.refused(422, "POST", path, MANAGER, json={"name": name, "size": 1})
    assert found["where"] == "$.name"


def test_a_file_that_is_too_large_or_empty_is_not_begun(world: World) -> None:
    path = f"/releases/{made(world)['id']}/uploads"
    most = world.platform.settings.artifact_bytes_max
    for size in (most + 1, 2**62):
        found = world.refused(422, "POST", path, MANAGER, json={"name": "a", "size": size})
        assert found["where"] == "$.size"


def test_an_upload_that_is_canceled_leaves_nothing(world: World) -> None:
    path = begun(world, made(world))
    send(world, path, 0, DATA[:10])
    world.ok("DELETE", path, MANAGER)
    assert not list((world.platform.settings.artifacts_dir / "parts").iterdir())


class Fetching:
    """Devices with secrets: a camera, a gateway with a camera behind it, one of another kind."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.secrets: dict[str, str] = {}
        with world.platform.unit(system_actor("test")) as unit:
            for name in ("camera", "gateway", "other"):
                DeviceService(unit).register(f"{name}-1", name, world.berlin)
                secret = CredentialService(unit).rotate(f"{name}-1")
                self.secrets[f"{name}-1"] = secret
            DeviceService(unit).register("child-1", "camera", world.berlin)
            GatewayService(unit).attach("child-1", "gateway-1", hooks=DEVICE_HOOKS)

    def get(self, device: str, release: dict[str, Any], **headers: str) -> Any:
        """Fetch the release's file as a device."""
        pair = f"{device}:{self.secrets.get(device, 'wrong')}".encode()
        basic = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"/device/artifacts/{release['artifacts'][0]['id']}"
        return self.world.call("GET", path, None, headers={**basic, **named})


@pytest.fixture
def fetching(world: World) -> Fetching:
    return Fetching(world)


def test_a_device_fetches_only_what_is_published_for_its_profile(
    world: World, fetching: Fetching
) -> None:
    draft = with_file(world, version="0")
    assert fetching.get("camera-1", draft).status_code == 404
    release = published(world)
    assert fetching.get("camera-1", release).data == DATA
    assert fetching.get("gateway-1", release).data == DATA, "for the camera behind it"
    assert fetching.get("other-1", release).status_code == 404
    assert fetching.get("nobody-1", release).status_code == 401
    world.ok("POST", f"/releases/{release['id']}/revoke", json={"reason": "no"})
    assert fetching.get("camera-1", release).status_code == 409


def test_a_disabled_device_fetches_nothing(world: World, fetching: Fetching) -> None:
    release = published(world)
    world.ok("POST", "/devices/camera-1/disable", json={"reason": "lost"})
    assert fetching.get("camera-1", release).status_code == 409


SIZE = len(DATA)


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=0-", 206, DATA),
        ("bytes=0-0", 206, DATA[:1]),
        ("bytes=100-199", 206, DATA[100:200]),
        (f"bytes={SIZE - 1}-", 206, DATA[-1:]),
        ("bytes=-7", 206, DATA[-7:]),
        (f"bytes=5-{SIZE * 9}", 206, DATA[5:]),
        (f"bytes=-{SIZE * 9}", 206, DATA),
        (f"bytes={SIZE}-", 416, b""),
        ("bytes=0-1,5-9", 200, DATA),
        ("bytes=9-5", 200, DATA),
        ("bytes=abc", 200, DATA),
        ("lines=0-5", 200, DATA),
        ("bytes=", 200, DATA),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_device_fetches_the_part_it_asks_for(
    world: World, fetching: Fetching, wanted: str, status: int, part: bytes
) -> None:
    answer = fetching.get("camera-1", published(world), Range=wanted)
    assert answer.status_code == status
    if status != 416:
        assert answer.data == part
        assert answer.headers["ETag"] == f'"{SHA}"'
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert int(answer.headers["Content-Length"]) == len(part)


def test_a_download_goes_on_only_with_the_same_file(world: World, fetching: Fetching) -> None:
    release = published(world)
    same = fetching.get("camera-1", release, Range="bytes=10-", If_Range=f'"{SHA}"')
    assert (same.status_code, same.data) == (206, DATA[10:])
    assert same.headers["Content-Range"] == f"bytes 10-{SIZE - 1}/{SIZE}"
    other = fetching.get("camera-1", release, Range="bytes=10-", If_Range='"another"')
    assert (other.status_code, other.data) == (200, DATA)
    known = fetching.get("camera-1", release, If_None_Match=f'"{SHA}"')
    assert (known.status_code, known.data) == (304, b"")
