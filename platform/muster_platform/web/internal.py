"""What brokers ask: may this client connect, and may these stay. See muster_broker's contract."""

import hmac
import logging
from typing import TypeVar

import msgspec
from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError

from muster_broker.accounts.contract import (
    BAD_CREDENTIALS,
    CHECK_BATCH,
    CHECK_PATH,
    CONNECT_PATH,
    CheckAnswer,
    CheckRequest,
    ConnectAnswer,
    ConnectRequest,
)
from muster_platform.access.actor import system_actor
from muster_platform.devices.connections import answer_check, decide_connect
from muster_platform.devices.credentials import note_use
from muster_platform.errors import InvalidInput, NotAuthenticated
from muster_platform.web.context import platform
from muster_protocol.ids import is_device_id

log = logging.getLogger(__name__)

blueprint = Blueprint("internal", __name__)

BODY_BYTES = 256 * 1024

Body = TypeVar("Body", bound=msgspec.Struct)


@blueprint.post(CONNECT_PATH)
def connect() -> Response:
    """Decide on a CONNECT."""
    asked = _read(ConnectRequest)
    if not is_device_id(asked.username):  # what no device can be called needs no database
        return _json(ConnectAnswer(allow=False, reason=BAD_CREDENTIALS))
    with platform().unit(system_actor("broker"), write=False) as unit:
        decided = decide_connect(unit, asked)
    if decided.used is not None:
        _note(decided.used)
    return _json(decided.answer)


@blueprint.post(CHECK_PATH)
def check() -> Response:
    """Say which connected devices may no longer be."""
    asked = _read(CheckRequest)
    if len(asked.device_ids) > CHECK_BATCH:
        raise InvalidInput(f"at most {CHECK_BATCH} device ids at a time", where="$.device_ids")
    names = [name for name in asked.device_ids if is_device_id(name)]
    with platform().unit(system_actor("broker"), write=False) as unit:
        known = set(names) - set(answer_check(unit, CheckRequest(device_ids=names)).refused)
    return _json(CheckAnswer(refused=[name for name in asked.device_ids if name not in known]))


def _note(credential_id: str) -> None:
    """Note the use of a secret; a database that is busy must not keep a device out."""
    try:
        with platform().unit(system_actor("broker")) as unit:
            note_use(unit, credential_id)
    except SQLAlchemyError as error:
        log.warning("the use of a secret is not noted: %s", str(error).splitlines()[0])


def _read(kind: type[Body]) -> Body:
    given = request.headers.get("Authorization", "").encode("utf-8", "replace")
    wanted = f"Bearer {platform().settings.broker_token}".encode()
    if not platform().settings.broker_token or not hmac.compare_digest(given, wanted):
        raise NotAuthenticated("this is for brokers: send the setting broker_token as bearer token")
    request.max_content_length = BODY_BYTES
    try:
        return msgspec.json.decode(request.get_data(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"the body does not fit the contract: {error}") from error


def _json(answer: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(answer), content_type="application/json")
