"""config/muster.toml shows every setting with the default that is in force."""

import tomllib
from dataclasses import fields
from pathlib import Path

from muster_platform import config
from muster_platform.settings import Settings

EXAMPLE = Path(__file__).parents[3] / "config" / "muster.toml"


def uncommented():
    """Give the example with every setting switched on."""
    lines = EXAMPLE.read_text().splitlines()
    return "\n".join(line.removeprefix("#") if line[:2].strip("# ") else line for line in lines)


def test_every_setting_is_shown_with_its_default():
    shown = tomllib.loads(uncommented())
    assert set(shown) == {item.name for item in fields(Settings)}
    for item in fields(Settings):
        assert type(item.default)(shown[item.name]) == item.default, item.name


def test_the_example_as_it_is_changes_nothing(tmp_path):
    ours = config.load(EXAMPLE, {}, state_dir=tmp_path)
    assert ours == config.load(None, {}, state_dir=tmp_path)


def test_the_example_with_every_line_switched_on_is_read(tmp_path):
    file = tmp_path / "muster.toml"
    file.write_text(uncommented())
    assert config.load(file, {}, state_dir=tmp_path).web_port == 8080
