"""A route is declared once; a declaration that contradicts itself is refused at import."""

import pytest

from muster_platform.unit import Unit
from muster_platform.web.api.routing import Routes


def test_a_path_parameter_without_an_argument_is_refused() -> None:
    def handler(unit: Unit) -> None:
        """Do nothing."""

    with pytest.raises(TypeError, match=r"GET /things/\{thing_id\}"):
        Routes("Things").add("GET", "/things/{thing_id}")(handler)


def test_an_argument_that_is_nowhere_in_the_path_is_refused() -> None:
    def handler(unit: Unit, thing_id: str) -> None:
        """Do nothing."""

    with pytest.raises(TypeError, match="thing_id"):
        Routes("Things").add("GET", "/things")(handler)


def test_what_the_signature_says_becomes_the_route() -> None:
    routes = Routes("Things")

    @routes.add("DELETE", "/things/{thing_id}")
    def delete_thing(unit: Unit, thing_id: int) -> None:
        """Delete it."""

    (route,) = routes.items
    assert route.rule == "/api/v1/things/<int:thing_id>"
    assert (route.status, route.writes, route.body) == (204, True, None)
