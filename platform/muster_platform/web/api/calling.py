"""Carries out one call: who, how often, what, in one unit of work, and the answer."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import msgspec
from flask import Response, request

from muster_platform.access.actor import Actor
from muster_platform.errors import InvalidInput
from muster_platform.web import auth
from muster_platform.web.api import decoding, etags, idempotency, local
from muster_platform.web.api.routing import TEXTS, Caller, RawBody, Route
from muster_platform.web.context import platform
from muster_platform.web.fresh import require_fresh

JSON = "application/json"


def view(route: Route) -> Callable[..., Response]:
    """Make the Flask view of a route."""

    def call(**in_path: Any) -> Response:
        request.max_content_length = route.body_bytes
        actor = CALLERS[route.caller](route)
        decoding.path(in_path)
        arguments = {**in_path, **_arguments(route)}
        key = request.headers.get(idempotency.HEADER)
        if route.idempotent and key is not None and actor is not None:
            return _once(route, actor, arguments, key)
        return _run(route, actor, arguments, None)

    call.__name__ = route.operation_id
    call.__doc__ = route.handler.__doc__
    return call


def _user(route: Route) -> Actor:
    here = local.actor()
    if here is not None:
        return here
    actor = auth.current_actor(route.open_to)
    auth.spend_request(actor)
    if route.fresh:
        require_fresh()
    return actor


CALLERS: dict[Caller, Callable[[Route], Actor | None]] = {
    Caller.USER: _user,
    Caller.ANYONE: lambda _route: None,
    Caller.REFRESH: lambda _route: None,
    Caller.DEVICE: lambda _route: None,
}


def _arguments(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if route.body is RawBody:
        found["body"] = RawBody(request.stream)
    elif route.body is not None:
        found["body"] = decoding.body(
            request.get_data(), request.headers.get("Content-Type", ""), route.body
        )
    if route.query is not None:
        found["query"] = decoding.query(request.args, route.query)
    if "if_match" in route.hints:
        found["if_match"] = decoding.version(request.headers.get("If-Match"))
    return found


def _once(route: Route, actor: Actor, arguments: dict[str, Any], key: str) -> Response:
    """Run under an idempotency key, or give the answer of the first run again."""
    request_hash = idempotency.fingerprint(request.method, request.path, request.get_data())
    found = idempotency.reserve(platform(), actor, key, request_hash)
    if isinstance(found, idempotency.Stored):
        answer = Response(found.body, found.status, content_type=JSON)
        answer.headers[idempotency.REPLAYED_HEADER] = "true"
        return answer
    try:
        return _run(route, actor, arguments, found)
    except BaseException:
        found.release()
        raise


def _run(
    route: Route,
    actor: Actor | None,
    arguments: dict[str, Any],
    reservation: idempotency.Reservation | None,
) -> Response:
    opened = (
        platform().unit(actor, write=route.writes)
        if actor is not None and "unit" in route.hints
        else nullcontext(None)
    )
    with opened as unit:
        if unit is not None:
            arguments["unit"] = unit
        result = _handle(route, arguments)
        if unit is not None and route.writes:
            unit.session.flush()
        answer = _encode(route, result)
        if reservation is not None and unit is not None:
            reservation.store(unit, route.status, _storable(route, result, answer))
    return answer


def _handle(route: Route, arguments: dict[str, Any]) -> Any:
    """Call the handler; what a service calls a field is told as a place in this request."""
    try:
        return route.handler(**arguments)
    except InvalidInput as error:
        _locate(route, error)
        raise


def _locate(route: Route, error: InvalidInput) -> None:
    first = error.where.partition(".")[0].partition("[")[0]
    for kind, root in ((route.body, "$"), (route.query, "query")):
        if kind not in (None, RawBody) and first in kind.__struct_encode_fields__:
            error.where = f"{root}.{error.where}"
            error.extra["where"] = error.where
            return


def _encode(route: Route, result: Any) -> Response:
    if isinstance(result, Response):
        return result
    if result is None:
        return Response(status=route.status)
    if type(result) in TEXTS:
        content_type = f"{TEXTS[type(result)]}; charset=utf-8"
        return Response(result, route.status, content_type=content_type)
    answer = Response(msgspec.json.encode(result), route.status_of(result), content_type=JSON)
    if route.etag:
        etags.tag(answer, getattr(result, route.etag))
    return answer


def _storable(route: Route, result: Any, answer: Response) -> bytes:
    """Give the answer's body for keeping, without what is shown only once."""
    if not route.secrets:
        return answer.get_data()
    without: dict[str, Any] = dict.fromkeys(route.secrets)
    return msgspec.json.encode(msgspec.structs.replace(result, **without))
