"""States in words, icons in the sprite, times and cells."""

import json
import re
from pathlib import Path

import pytest

from muster_platform.stream.roles import ROLES
from muster_platform.web.site import words
from muster_platform.web.site.context import duration, initials, iso, utc
from muster_platform.web.site.csv_safe import lines, safe_cell
from muster_protocol.states import ExecutionState, JobState, PresenceState

WEB = Path(words.__file__).parents[1]
SPRITE = set(json.loads((WEB / "assets" / "icons.json").read_text()))


def test_every_state_has_a_word_an_icon_and_a_tone() -> None:
    for table, states in (
        (words.PRESENCE, PresenceState),
        (words.EXECUTION, ExecutionState),
        (words.JOB, JobState),
    ):
        assert set(table) == set(states)
        for look in table.values():
            assert look.label
            assert look.icon in SPRITE
            assert look.tone in {"ok", "rest", "warn", "bad", "busy", "mute"}


def test_every_role_of_muster_run_has_a_name_for_people() -> None:
    assert [name for name in ROLES if name not in words.PART_NAME] == []


def test_a_state_that_no_table_has_is_shown_by_its_name() -> None:
    assert words.look(words.JOB, "HALF_DONE").label == "Half done"


def test_templates_and_views_use_only_icons_of_the_sprite() -> None:
    used: dict[str, str] = {}
    for path in (*WEB.glob("templates/**/*.html"), *WEB.glob("site/**/*.py")):
        text = path.read_text()
        for pattern in (
            r'icon\("([a-z0-9-]+)"',
            r'blank\("([a-z0-9-]+)"',
            r'"icon": "([a-z0-9-]+)"',
        ):
            used |= dict.fromkeys(re.findall(pattern, text), path.name)
    assert len(used) > 20
    assert {name: file for name, file in used.items() if name not in SPRITE} == {}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 s"),
        (90, "90 s"),
        (60, "1 min"),
        (600, "10 min"),
        (3600, "1 hour"),
        (604_800, "7 days"),
    ],
)
def test_durations_are_written_in_the_largest_unit_without_a_rest(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("ms", [-1, 0, 1_700_000_000_000, 2**62])
def test_any_time_can_be_written(ms: int) -> None:
    assert utc(ms).endswith(" UTC")
    assert iso(ms).endswith("+00:00")


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ada Lovelace", "AL"),
        ("bea@example.org", "BE"),
        ("bea.ruiz@example.org", "BR"),
        ("oncall@example.org", "ON"),
        ("", "?"),
        ("x", "X"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_cells_are_text_and_numbers_stay_numbers() -> None:
    assert safe_cell(-5) == "-5"
    assert safe_cell("-5") == "'-5"
    assert safe_cell(None) == ""
    assert "".join(lines(["a"], [['say "x", then\ny']])) == 'a\r\n"say ""x"", then\ny"\r\n'
