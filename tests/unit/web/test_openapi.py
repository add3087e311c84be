"""The OpenAPI document: fresh, valid, and complete."""

from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

from muster_platform.web import openapi
from muster_platform.web.api import ROUTES
from muster_platform.web.api.routing import PREFIX, Caller

STORED = Path(__file__).resolve().parents[3] / "docs" / "api" / "openapi.json"


def test_the_stored_document_is_what_the_code_says() -> None:
    assert STORED.read_bytes() == openapi.encoded(), "stale: run `make docs` and commit it"


def test_the_document_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(openapi.document()).validate()


def test_every_route_is_in_it_once_under_a_name_of_its_own() -> None:
    paths = openapi.document()["paths"]
    for route in ROUTES:
        assert route.method.lower() in paths[PREFIX + route.path]
    names = [route.operation_id for route in ROUTES]
    assert len(names) == len(set(names))


def test_every_route_has_words_and_says_who_may_call_it() -> None:
    for path, methods in openapi.document()["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert "security" in operation, (method, path)


def test_what_needs_a_sign_in_says_401_and_what_needs_a_permission_403() -> None:
    for route in ROUTES:
        told = openapi.operation(route)["responses"]
        if route.caller is Caller.USER:
            assert "401" in told, route.path
        if route.permission is not None:
            assert "403" in told, route.path
