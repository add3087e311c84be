"""Releases in each state, with a file and an upload under way."""

from typing import Any

from muster_platform.unit import Unit
from muster_platform.updates.artifacts import Announced, ArtifactService
from muster_platform.updates.release_rules import Draft
from muster_platform.updates.releases import ReleaseService
from muster_platform.updates.store import ArtifactStore

PATHS = {"publish_release": "ready_release_id", "revoke_release": "published_release_id"}
"""Operation -> which of the releases it is about; the others are about a draft."""


def make(unit: Unit, store: ArtifactStore, n: int) -> dict[str, Any]:
    """Make them, and give their ids."""
    service = ReleaseService(unit)
    files = ArtifactService(unit, store)

    def draft(version: str) -> str:
        said = Draft("Firmware", f"{version}-{n}", {"app": "2.0"}, ("sensor",), notes="*Hi*")
        return service.create(said).id

    release_id = draft("draft")
    artifact_id = store_file(files, store, release_id, "app.bin", b"firmware" * 100)
    upload = files.begin(release_id, Announced("coming.bin", 1_000))
    published = draft("published")
    service.publish(published)
    return {
        "release_id": release_id,
        "artifact_id": artifact_id,
        "upload_id": upload.id,
        "ready_release_id": draft("ready"),
        "published_release_id": published,
    }


def store_file(
    files: ArtifactService, store: ArtifactStore, release_id: str, name: str, data: bytes
) -> str:
    """Upload a file; give the artifact's id."""
    upload = files.begin(release_id, Announced(name, len(data)))
    store.append(upload.id, 0, [data], len(data))
    found = store.digest(upload.id)
    store.keep(upload.id, found)
    store.drop(upload.id)
    return files.finish(release_id, upload.id, found).id
