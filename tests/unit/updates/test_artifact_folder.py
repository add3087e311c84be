"""The folder of artifacts: what is kept is fresh, whenever its bytes came."""

import os
from pathlib import Path

from muster_platform.adapters.artifact_folder import PARTS, ArtifactFolder

HOUR_MS = 3_600_000
SHA = "ab" * 32


def test_a_file_kept_long_after_its_bytes_came_is_no_orphan_yet(tmp_path: Path) -> None:
    store = ArtifactFolder(tmp_path)
    for upload in ("u1", "u2"):
        store.append(upload, 0, [b"x"], 1)
        part = tmp_path / PARTS / upload
        os.utime(part, (1, 1))
        if (whole := tmp_path / SHA[:2] / SHA).exists():
            os.utime(whole, (1, 1))
        store.keep(upload, SHA)
        assert list(store.whole(HOUR_MS)) == []
