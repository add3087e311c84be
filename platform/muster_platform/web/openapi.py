"""The OpenAPI 3.1 document, made from the table of routes and their types.

python -m muster_platform.web.openapi > docs/api/openapi.json
"""

import inspect
import sys
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
from flask import Response

from muster_platform.errors import (
    HTTP_STATUS,
    Conflict,
    InvalidInput,
    MusterError,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    Rejected,
    Unavailable,
)
from muster_platform.web.api import ROUTES
from muster_platform.web.api.idempotency import HEADER as IDEMPOTENCY_HEADER
from muster_platform.web.api.idempotency import KEY_CHARS
from muster_platform.web.api.routing import OCTETS, PREFIX, TEXTS, Binary, Caller, RawBody, Route
from muster_platform.web.errors import CONTENT_TYPE, Problem
from muster_platform.web.openapi_words import described
from muster_protocol import asyncapi

REF = "#/components/schemas/{name}"
JSON = "application/json"
TOO_LARGE = "TooLarge"

IF_MATCH = r'^(\*|(W/)?"?[0-9]{1,18}(-[0-9a-f]+)?"?)$'
"""What If-Match may be; the version alone is enough."""

ETAG = {
    "ETag": {
        "description": '`"VERSION-HASH"`, for If-Match and If-None-Match.',
        "schema": {"type": "string"},
    }
}

OCTET_SCHEMA: dict[str, Any] = {"type": "string", "format": "binary"}
RANGES: dict[str, dict[str, Any]] = {
    "206": {
        "description": "The part that Range asked for.",
        "content": {OCTETS: {"schema": OCTET_SCHEMA}},
    },
    "304": {"description": "Not changed since If-None-Match."},
    "416": {"description": "There is no such part of the file."},
}

SECURITY: dict[Caller, list[dict[str, list[str]]]] = {
    Caller.USER: [{"bearer": []}, {"cookie": [], "csrf": []}],
    Caller.REFRESH: [{"refresh": []}],
    Caller.DEVICE: [{"device": []}],
    Caller.ANYONE: [],
}

SCHEMES: dict[str, dict[str, str]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of POST /auth/sign-in.",
    },
    "refresh": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The refresh token; works once.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "access_token_cookie",
        "description": "The site's own session.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-TOKEN",
        "description": "With the cookie, on everything but GET: the value of csrf_access_token.",
    },
    "device": {
        "type": "http",
        "scheme": "basic",
        "description": "Device id and the device's secret.",
    },
}

MEANING: dict[type[MusterError], str] = {
    InvalidInput: "Something in the request is wrong; `where` names the place.",
    NotAuthenticated: "No token, or one that no longer holds.",
    PermissionDenied: (
        "A permission is missing; `permission` and `group` name it. Or the caller has to do "
        "something first: `password_change_required`, `second_factor_required`, "
        "`fresh_sign_in_required`, `person_needed`."
    ),
    Rejected: "A person has said no.",
    NotFound: "No such thing, or not for the caller to see.",
    Conflict: "The thing is in a state that does not allow it.",
    PreconditionFailed: "It was changed meanwhile; read it again.",
    RateLimited: "Too many; Retry-After says when to come back.",
    Unavailable: "A part is away; the same request may work later.",
}


def document() -> dict[str, Any]:
    """Make the whole document; the same code gives the same document."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(ROUTES, key=lambda route: (route.path, route.method)):
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Muster",
            "version": version("muster"),
            "summary": "Manage a fleet of devices over MQTT.",
            "description": (
                "Times are integer milliseconds since the epoch, UTC. Lists give `next_cursor`; "
                "send it as `cursor` for the next page, null is the end. Errors are problem "
                "documents (RFC 9457) whose `type` ends with a stable word."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in ROUTES)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": SCHEMES,
            "responses": {kind.__name__: _problem(kind, MEANING[kind]) for kind in MEANING}
            | {TOO_LARGE: _problem(InvalidInput, "The body is larger than this route takes.")},
        },
    }


def operation(route: Route) -> dict[str, Any]:
    """Describe one route."""
    summary, description = _words(route)
    found: dict[str, Any] = {
        "operationId": route.operation_id,
        "tags": [route.tag],
        "summary": summary,
    }
    if description:
        found["description"] = description
    if route.permission is not None:
        found["x-permission"] = str(route.permission)
    if route.fresh:
        found["x-fresh-sign-in"] = True
    parameters = _parameters(route)
    if parameters:
        found["parameters"] = parameters
    if route.body is RawBody:
        found["requestBody"] = {"required": True, "content": {OCTETS: {"schema": OCTET_SCHEMA}}}
    elif route.body is not None:
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": _ref(route.body)}}}
    good = {str(route.status): _good(route)} | _also(route)
    if route.etag and route.method == "GET":
        good["304"] = {"description": "Not changed since If-None-Match.", "headers": ETAG}
    if route.answer is Binary:
        good |= RANGES
    if route.body is not None:
        good["413"] = {"$ref": f"#/components/responses/{TOO_LARGE}"}
    found["responses"] = good | {
        str(_status(kind)): {"$ref": f"#/components/responses/{kind.__name__}"}
        for kind in sorted(errors(route), key=lambda kind: list(MEANING).index(kind))
    }
    found["security"] = SECURITY[route.caller]
    return found


def errors(route: Route) -> set[type[MusterError]]:
    """Give the kinds of error that a route may answer."""
    found: set[type[MusterError]] = {RateLimited, Unavailable, *route.errors}
    if route.caller is Caller.USER:
        found |= {NotAuthenticated, PermissionDenied}
    if route.body is not None or route.query is not None:
        found |= {InvalidInput}
    names_things = route.body is not None or route.query is not None
    if route.path_parameters or (names_things and route.permission is not None):
        # A group or a profile that is named in a body may not be there for the caller.
        found |= {NotFound}
    if route.idempotent:
        found |= {Conflict}
    if "if_match" in route.hints:
        found |= {InvalidInput, PreconditionFailed}
    return found


def _status(kind: type[MusterError]) -> int:
    return next(HTTP_STATUS[base] for base in kind.__mro__ if base in HTTP_STATUS)


def _words(route: Route) -> tuple[str, str]:
    text = inspect.getdoc(route.handler) or ""
    summary, _, rest = text.partition("\n\n")
    permission = f"Needs `{route.permission}`." if route.permission is not None else ""
    fresh = (
        "Asks a person for the password again when that is longer ago than `fresh_sign_in_s`: "
        "403 `fresh_sign_in_required`, see POST /auth/fresh."
        if route.fresh
        else ""
    )
    parts = (rest.strip(), permission, fresh)
    return summary.rstrip("."), "\n\n".join(part for part in parts if part)


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": _ref(kind)}
        for name, kind in route.path_parameters.items()
    ]
    if route.query is not None:
        _, components = msgspec.json.schema_components([route.query], ref_template=REF)
        schema = described(components[route.query.__name__])
        for name, item in schema["properties"].items():
            parameter = {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "schema": {key: value for key, value in item.items() if key != "description"},
            }
            if "description" in item:
                parameter["description"] = item["description"]
            found.append(parameter)
    if route.idempotent:
        found.append(
            {
                "name": IDEMPOTENCY_HEADER,
                "in": "header",
                "required": False,
                "description": "Sent again with the same body, the first answer is given again.",
                "schema": {"type": "string", "minLength": 1, "maxLength": KEY_CHARS},
            }
        )
    if "if_match" in route.hints:
        found.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": False,
                "description": (
                    "The ETag or version that was read; refused (412) if it was edited since."
                ),
                "schema": {"type": "string", "pattern": IF_MATCH},
            }
        )
    if route.etag and route.method == "GET":
        found.append(
            {
                "name": "If-None-Match",
                "in": "header",
                "required": False,
                "description": "An ETag that is known; answered 304 if nothing changed since.",
                "schema": {"type": "string"},
            }
        )
    return found


def _good(route: Route) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if route.answer in TEXTS:
        answer["content"] = {TEXTS[route.answer]: {"schema": {"type": "string"}}}
    elif route.answer is not type(None):
        answer["content"] = {JSON: {"schema": _ref(route.answer)}}
    if route.etag:
        answer["headers"] = ETAG
    return answer


def _also(route: Route) -> dict[str, Any]:
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {JSON: {"schema": _ref(kind)}},
        }
        for status, kind in route.also.items()
    }


def _problem(kind: type[MusterError], told: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": told,
        "content": {CONTENT_TYPE: {"schema": _ref(Problem)}},
    }
    if kind in (RateLimited, Unavailable):
        answer["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        }
    return answer


def _ref(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=REF)
    return schema


def _schemas() -> dict[str, Any]:
    kinds: list[Any] = [Problem]
    for route in ROUTES:
        kinds += [
            kind
            for kind in (route.body, route.answer, *route.also.values())
            if kind not in (None, RawBody) and kind not in TEXTS and kind is not type(None)
        ]
        # A query is told as parameters, but what its fields refer to must be there.
        kinds += [item.type for item in msgspec.structs.fields(route.query)] if route.query else []
    _, components = msgspec.json.schema_components(_unique(kinds), ref_template=REF)
    return {name: described(components[name]) for name in sorted(components)}


def _unique(kinds: list[Any]) -> list[Any]:
    found: list[Any] = []
    for kind in kinds:
        if kind not in found:
            found.append(kind)
    return found


@cache
def encoded() -> bytes:
    """Give the document as it stands in docs/api."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=2) + b"\n"


def serve_document() -> Response:
    """Answer GET /api/v1/openapi.json; no sign-in, it holds no data."""
    return Response(encoded(), content_type=JSON)


@cache
def _channels() -> bytes:
    return msgspec.json.format(msgspec.json.encode(asyncapi.document()), indent=2) + b"\n"


def serve_channels() -> Response:
    """Answer GET /api/v1/asyncapi.json: what devices say and hear over MQTT."""
    return Response(_channels(), content_type=JSON)


if __name__ == "__main__":
    sys.stdout.buffer.write(encoded())
