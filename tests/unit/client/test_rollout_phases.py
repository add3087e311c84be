"""Phases as the command line writes them."""

from typing import Any

import pytest

from muster_client.cli.rollouts import parse_phase
from muster_client.cli.show import WrongOption


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("5%", {"percent": 5}),
        ("20,errors=1", {"devices": 20, "error_devices": 1}),
        (
            "30%, errors=4%, success=95, soak=3600",
            {"percent": 30, "error_percent": 4, "success_percent": 95, "soak_s": 3600},
        ),
        ("rest,hand", {"by_hand": True}),
    ],
)
def test_a_phase_is_read(text: str, phase: dict[str, Any]) -> None:
    assert parse_phase(text) == phase


@pytest.mark.parametrize("text", ["", "five", "-5%", "5%,soak=long", "5%,hand=2", "5%,sometimes"])
def test_a_phase_that_is_none_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(WrongOption, match="--phase"):
        parse_phase(text)
