"""Cleans the artifact store: uploads nobody goes on with, bytes that nothing needs."""

from itertools import islice

from sqlalchemy import select

from muster_platform.unit import Unit
from muster_platform.updates.models import Artifact, Upload
from muster_platform.updates.store import ArtifactStore

GRACE_MS = 3_600_000
"""Bytes younger than this may belong to an upload that is being finished at this moment."""


def expire_uploads(unit: Unit, store: ArtifactStore, limit: int) -> int:
    """Forget uploads that nobody goes on with; give how many."""
    old = select(Upload).where(Upload.expires_at <= unit.now()).limit(limit)
    found = list(unit.session.scalars(old))
    for upload in found:
        store.drop(upload.id)
        unit.session.delete(upload)
    return len(found)


def remove_orphans(unit: Unit, store: ArtifactStore, limit: int) -> int:
    """Delete bytes that no upload and no file of a release needs; give how many files."""
    before = unit.now() - GRACE_MS
    partial = list(islice(store.partial(before), limit))
    known = set(unit.session.scalars(select(Upload.id).where(Upload.id.in_(partial))))
    removed = 0
    for upload_id in partial:
        if upload_id not in known:
            store.drop(upload_id)
            removed += 1
    needed = set(unit.session.scalars(select(Artifact.sha256).distinct()))
    for sha256 in islice((one for one in store.whole(before) if one not in needed), limit):
        store.remove(sha256)
        removed += 1
    return removed
