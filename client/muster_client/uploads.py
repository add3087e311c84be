"""Sends files of releases in pieces; a lost connection costs one piece, not the file."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec

from muster_client.core import PREFIX, Caller, part
from muster_client.errors import ClientError, Conflict, RateLimited, Unavailable, Unreachable
from muster_client.generated import types as t
from muster_client.transport import Request

PIECE_BYTES = 8 * 1024 * 1024
ATTEMPTS = 8
FIRST_WAIT_S = 0.5


def upload_artifact(
    muster: Caller,
    release_id: str,
    path: Path,
    *,
    component: str = "",
    profile: str = "",
    progress: Callable[[int, int], None] = lambda _done, _size: None,
    sleep: Callable[[float], None] = time.sleep,
) -> t.ArtifactAnswer:
    """Upload a file to a draft; one that was begun before goes on where it stopped.

    Args:
        progress: is told (bytes received, bytes in all) after each piece.

    Raises:
        ApiError: it is refused; Unreachable: no answer after all attempts.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
        announced = {"name": path.name, "size": size, "sha256": sha256}
        uploads = f"/releases/{part(release_id)}/uploads"
        upload = muster.call(
            "POST", uploads, body={**announced, "component": component, "profile": profile}
        )
        target = f"{uploads}/{part(upload['id'])}"
        received, failed = int(upload["received"]), 0
        while True:
            progress(received, size)
            file.seek(received)
            try:
                answer = _send(muster, target, received, file.read(PIECE_BYTES))
            except ClientError as error:
                failed += 1
                if failed >= ATTEMPTS or not _may_go_on(error):
                    raise
                sleep(FIRST_WAIT_S * 2**failed)
                received = int(muster.call("GET", target)["received"])
                continue
            received, failed = int(answer["received"]), 0
            if answer["artifact"] is not None:
                progress(received, size)
                return cast("t.ArtifactAnswer", answer["artifact"])


def _send(muster: Caller, target: str, offset: int, piece: bytes) -> dict[str, Any]:
    headers = {"Accept": "application/json", "Content-Type": "application/octet-stream"}
    request = Request("PATCH", f"{PREFIX}{target}?offset={offset}", headers, piece)
    found: dict[str, Any] = msgspec.json.decode(muster.send(request).read())
    return found


def _may_go_on(error: ClientError) -> bool:
    busy = isinstance(error, Conflict) and error.code in ("wrong_offset", "upload_busy")
    full = isinstance(error, Unavailable) and error.code == "disk_full"
    return busy or (isinstance(error, Unreachable | Unavailable | RateLimited) and not full)
