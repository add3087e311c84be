"""Files of releases: sent in pieces, each from where the last one ended, and fetched."""

import re
from typing import Annotated, Any, cast

import msgspec
from flask import request, send_file
from msgspec import Meta
from werkzeug.exceptions import HTTPException

from muster_platform.access.permissions import Permission
from muster_platform.errors import Conflict
from muster_platform.unit import Unit
from muster_platform.updates.artifacts import Announced, ArtifactService
from muster_platform.updates.models import Artifact, Upload
from muster_platform.web.api.common import Input, Key, Listed
from muster_platform.web.api.releases import ArtifactAnswer, artifact_answer
from muster_platform.web.api.routing import OCTETS, Binary, RawBody, Routes
from muster_platform.web.context import platform

routes = Routes("Files of releases")

READ = Permission.RELEASES_READ
WRITE = Permission.RELEASES_WRITE
_ONE_RANGE = re.compile(r"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})")
PIECE_BYTES_MAX = 64 * 1024 * 1024
"""Largest piece of an upload; 8 MiB is a good size."""


class NewUpload(Input, kw_only=True):
    """A file that is about to be sent.

    Attributes:
        size: bytes.
        sha256: 64 hex digits; what comes is compared with it. "" where it is not known.
        component: of the release, "" for all.
        profile: the only one whose devices get it, "" for all target profiles.
    """

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    size: Key
    sha256: Annotated[str, Meta(max_length=64)] = ""
    component: Annotated[str, Meta(max_length=128)] = ""
    profile: Annotated[str, Meta(max_length=64)] = ""


class UploadAnswer(msgspec.Struct, kw_only=True):
    """A file on its way in.

    Attributes:
        size: bytes announced.
        received: bytes safe on disk: the offset of the next piece.
        expires_at: forgotten then, unless another piece comes; ms since the epoch.
    """

    id: str
    name: str
    size: int
    sha256: str
    received: int
    expires_at: int


class PieceQuery(Input, kw_only=True):
    """Where the piece belongs: the number of bytes received before it."""

    offset: Annotated[int, Meta(ge=0, le=2**62)]


class PieceAnswer(msgspec.Struct, kw_only=True):
    """How far the upload is.

    Attributes:
        received: the offset of the next piece.
        artifact: the finished file, null while something is missing.
    """

    received: int
    artifact: ArtifactAnswer | None = None


@routes.add(
    "POST", "/releases/{release_id}/uploads", permission=WRITE, status=201, errors=(Conflict,)
)
def begin_upload(unit: Unit, release_id: str, body: NewUpload) -> UploadAnswer:
    """Announce a file; with the same checksum again it gives the upload that is under way."""
    file = Announced(**msgspec.structs.asdict(body))
    return _upload_answer(_service(unit).begin(release_id, file))


@routes.add("GET", "/releases/{release_id}/uploads", permission=READ)
def list_uploads(unit: Unit, release_id: str) -> Listed[UploadAnswer]:
    """List the files on their way in."""
    return Listed(items=[_upload_answer(row) for row in _service(unit).uploads(release_id)])


@routes.add("GET", "/releases/{release_id}/uploads/{upload_id}", permission=WRITE)
def get_upload(unit: Unit, release_id: str, upload_id: str) -> UploadAnswer:
    """Ask how far an upload is, to go on from there."""
    return _upload_answer(_service(unit).upload(release_id, upload_id))


@routes.add("DELETE", "/releases/{release_id}/uploads/{upload_id}", permission=WRITE)
def cancel_upload(unit: Unit, release_id: str, upload_id: str) -> None:
    """Forget an upload and what has come of it."""
    _service(unit).cancel(release_id, upload_id)


@routes.add(
    "PATCH",
    "/releases/{release_id}/uploads/{upload_id}",
    permission=WRITE,
    errors=(Conflict,),
    writes=False,
    body_bytes=PIECE_BYTES_MAX,
)
def send_piece(
    unit: Unit, release_id: str, upload_id: str, query: PieceQuery, body: RawBody
) -> PieceAnswer:
    """Send the next piece; the last one makes it a file, if size and checksum are right.

    A wrong offset is answered 409 `wrong_offset` with `received`, the right one. A wrong checksum
    is answered 409 `wrong_checksum`, and the upload begins anew.
    """
    here = platform()
    upload = _service(unit).upload(release_id, upload_id)
    # A slow sender must hold neither a transaction nor a connection of the database.
    unit.session.close()
    received = here.artifacts.append(upload_id, query.offset, body.pieces(), upload.size)
    if received < upload.size:
        with here.unit(unit.actor) as own:
            _service(own).arrived(release_id, upload_id, received)
        return PieceAnswer(received=received)
    return PieceAnswer(received=received, artifact=_finish(unit, upload))


def _finish(unit: Unit, upload: Upload) -> ArtifactAnswer:
    here = platform()
    found = here.artifacts.digest(upload.id)
    if upload.sha256 and found != upload.sha256:
        here.artifacts.drop(upload.id)
        raise Conflict(
            f"what came has the sha256 {found}, not {upload.sha256} as announced; send it again",
            code="wrong_checksum",
            sha256=found,
            received=0,
        )
    # The bytes first: a file in the database without its bytes would be worse than the reverse.
    here.artifacts.keep(upload.id, found)
    with here.unit(unit.actor) as own:
        answer = artifact_answer(_service(own).finish(upload.release_id, upload.id, found))
    here.artifacts.drop(upload.id)
    return answer


@routes.add("GET", "/releases/{release_id}/artifacts/{artifact_id}", permission=READ)
def download_artifact(unit: Unit, release_id: str, artifact_id: str) -> Binary:
    """Download a file of a release, or by Range a part of it."""
    return cast("Binary", file_answer(_service(unit).get(release_id, artifact_id)))


@routes.add(
    "DELETE",
    "/releases/{release_id}/artifacts/{artifact_id}",
    permission=WRITE,
    errors=(Conflict,),
)
def delete_artifact(unit: Unit, release_id: str, artifact_id: str) -> None:
    """Take a file off a draft."""
    _service(unit).delete(release_id, artifact_id)


def file_answer(artifact: Artifact) -> Any:
    """Send a file, or the part that Range asks for.

    Several parts at once are answered by the whole file, as RFC 9110 allows.
    """
    path = platform().artifacts.path(artifact.sha256)
    environ = dict(request.environ)
    wanted = usable_range(environ.pop("HTTP_RANGE", ""), artifact.size)
    if wanted:
        environ["HTTP_RANGE"] = wanted
    answer = send_file(
        path.resolve(),
        mimetype=OCTETS,
        as_attachment=True,
        download_name=artifact.name,
        conditional=False,
        etag=artifact.sha256,
        last_modified=artifact.stored_at // 1000,
    )
    try:
        answer.make_conditional(environ, accept_ranges=True, complete_length=artifact.size)
    except HTTPException:
        answer.close()
        raise
    answer.headers["Cache-Control"] = "no-store, no-transform"
    return answer


def usable_range(header: str, size: int) -> str:
    """Give the one part that a Range header asks for, "" where it is to be ignored (RFC 9110)."""
    found = _ONE_RANGE.fullmatch(header.strip())
    if found is None or not (found["first"] or found["last"]):
        return ""
    if not found["first"] and int(found["last"]) >= size:
        return "bytes=0-"  # the last N bytes of a file with fewer: all of it
    if found["first"] and found["last"] and int(found["last"]) < int(found["first"]):
        return ""
    return found[0]


def _service(unit: Unit) -> ArtifactService:
    return ArtifactService(unit, platform().artifacts)


def _upload_answer(upload: Upload) -> UploadAnswer:
    return UploadAnswer(
        id=upload.id,
        name=upload.name,
        size=upload.size,
        sha256=upload.sha256,
        received=upload.received,
        expires_at=upload.expires_at,
    )
