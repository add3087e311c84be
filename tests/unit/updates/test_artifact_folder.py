"""What the artifact store tells of its files to the pass that deletes those nobody needs."""

import os
from pathlib import Path

from muster_platform.adapters.artifact_folder import PARTS, ArtifactFolder


def test_a_file_kept_long_after_its_last_byte_came_is_no_old_file(tmp_path: Path) -> None:
    store = ArtifactFolder(tmp_path)
    store.append("upload", 0, [b"bytes"], 5)
    os.utime(tmp_path / PARTS / "upload", (1_000, 1_000))
    sha256 = store.digest("upload")
    store.keep("upload", sha256)
    hour_after_ms = (1_000 + 3_600) * 1_000
    assert list(store.whole(hour_after_ms)) == []
