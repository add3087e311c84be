"""Settings from files: how containers are handed their secrets."""

import pytest

from muster_platform import config
from muster_platform.errors import ConfigurationError


def test_a_value_is_read_from_the_file_that_a_variable_names(tmp_path):
    file = tmp_path / "secret"
    file.write_text(" with blanks \n")
    found = config.load(None, {"MUSTER_JWT_SECRET_FILE": str(file)}, state_dir=tmp_path)
    assert found.jwt_secret == " with blanks "


def test_the_variable_itself_wins_over_the_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("from the file")
    given = {"MUSTER_JWT_SECRET_FILE": str(file), "MUSTER_JWT_SECRET": "direct"}
    assert config.load(None, given, state_dir=tmp_path).jwt_secret == "direct"


def test_a_setting_whose_name_ends_in_file_stays_a_path(tmp_path):
    given = {"MUSTER_BROKER_CA_FILE": "/etc/ca.pem"}
    assert config.load(None, given, state_dir=tmp_path).broker_ca_file == "/etc/ca.pem"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_names_variable_and_path(tmp_path, content):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"MUSTER_JWT_SECRET_FILE: .*{file}"):
        config.load(None, {"MUSTER_JWT_SECRET_FILE": str(file)}, state_dir=tmp_path)


def test_a_number_in_a_file_is_checked_like_any(tmp_path):
    file = tmp_path / "port"
    file.write_text("many\n")
    with pytest.raises(ConfigurationError, match="MUSTER_WEB_PORT_FILE: expected a number"):
        config.load(None, {"MUSTER_WEB_PORT_FILE": str(file)}, state_dir=tmp_path)


def test_an_unknown_broker_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="broker_kind: 'emqx'"):
        config.load(None, {"MUSTER_BROKER_KIND": "emqx"}, state_dir=tmp_path)
