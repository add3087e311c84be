"""Files of the agent: identity, state, agent.toml, scenarios; faults name file and key."""

import os
from pathlib import Path
from random import Random

import pytest

from muster_agent.cli import explain
from muster_agent.config import AgentFile, load_function, read_toml
from muster_agent.enrolment import EnrolClient
from muster_agent.errors import (
    EXIT_CODES,
    ConfigError,
    DeniedError,
    RefusedError,
    StateError,
    UnavailableError,
)
from muster_agent.identity import StateDir, new_identity
from muster_agent.simulator.machine import Nature
from muster_agent.simulator.metrics import make_generator
from muster_agent.simulator.scenario import Counter, load_scenario, share_out
from muster_agent.store import Database

SCENARIOS = Path(__file__).parents[3] / "config" / "scenarios"


def test_the_identity_is_for_its_owner_only_and_is_kept(tmp_path: Path) -> None:
    folder = StateDir(tmp_path / "state")
    identity = new_identity("dev-1")
    folder.save(identity)
    assert os.stat(tmp_path / "state" / "identity.json").st_mode & 0o777 == 0o600
    assert folder.load() == identity
    with pytest.raises(StateError, match="muster agent enrol"):
        folder.require()
    folder.close()


def test_one_state_folder_serves_one_agent(tmp_path: Path) -> None:
    first = StateDir(tmp_path)
    with pytest.raises(StateError, match="in use by another agent"):
        StateDir(tmp_path)
    first.close()
    StateDir(tmp_path).close()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"device_id": 1}', b"\xff"])
def test_a_damaged_identity_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "identity.json").write_bytes(content)
    with pytest.raises(StateError, match="cannot be read"):
        StateDir(tmp_path, lock=False).load()


def test_a_damaged_or_newer_database_is_said(tmp_path: Path) -> None:
    file = tmp_path / "agent.db"
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(StateError, match="move it away"):
        Database(file)
    file.unlink()
    database = Database(file)
    database.connection.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StateError, match="version 99"):
        Database(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[agent]\nkeepalive_s = 1", "agent.keepalive_s: Expected `int` >= 5"),
        ("[agent]\nkeep_alive = 1", "agent: Object contains unknown field `keep_alive`"),
        ("[inventory]\napp = 3", "inventory.app: Expected `str`, got `int`"),
        ("[agent", "not TOML"),
    ],
)
def test_a_slip_in_agent_toml_names_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_toml(file, AgentFile)
    assert str(caught.value).startswith(f"{file}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("nothing", "expected module:function"),
        ("no_such_module_here:f", "No module named"),
        ("mine:missing", "has no 'missing'"),
        ("mine:value", "not a function"),
        ("broken:f", "ZeroDivisionError"),
    ],
)
def test_code_that_cannot_be_loaded_is_said(tmp_path: Path, reference: str, said: str) -> None:
    (tmp_path / "mine.py").write_text("value = 3\ndef setup(agent): return 7\n")
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ConfigError, match=said):
        load_function(reference, tmp_path, "agent.toml")
    assert load_function("mine:setup", tmp_path, "agent.toml")(None) == 7  # type: ignore[arg-type]


@pytest.mark.parametrize("file", [None, *sorted(SCENARIOS.glob("*.toml"))])
def test_every_scenario_that_comes_with_muster_can_be_read(file: Path | None) -> None:
    assert load_scenario(file).profiles


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "top level: Object missing required field `profiles`"),
        ("[profiles]", "profiles: at least one table"),
        ("[profiles.a]\nshare = 0", "share must be above 0"),
        ("[profiles.'a b']", "profiles.a b: prefix and name must make a device id"),
        ("[profiles.a.faults]\nflap_away_s = [9, 1]", "profiles.a.faults.flap_away_s: expected"),
        ("[profiles.a.faults]\nflapping = 2", "profiles.a.faults.flapping: Expected `float` <= 1"),
        ("[profiles.a.commands]\nslow = 0.6\nfail = 0.6", "slow + fail + reject"),
        (
            "[profiles.a.metrics.m]\nkind = 'wlak'",
            "profiles.a.metrics.m.kind: Invalid value 'wlak' (expected walk, sine",
        ),
        (
            "[profiles.a.metrics.m]\nkind = 'walk'\nstart=[1,2]\nstep=1\nmin=5\nmax=5",
            "profiles.a.metrics.m: expected min < max",
        ),
    ],
)
def test_a_slip_in_a_scenario_names_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_scenario(file)
    assert str(file) in str(caught.value)
    assert said in str(caught.value)


def test_profiles_share_the_fleet_exactly() -> None:
    scenario = load_scenario(None)
    for count in (1, 7, 25, 1000):
        assert len(share_out(scenario, count)) == count
    assert share_out(scenario, 25).count("sensor") == 15


def test_the_same_seed_makes_the_same_device_and_values() -> None:
    table = load_scenario(None).profiles["sensor"]

    def look(seed: int) -> object:
        nature = Nature(table, seed, "sim-sensor-0001")
        made = [make_generator(m, nature.random(n)) for n, m in table.metrics.items()]
        return nature.attributes, [[g.next(t) for t in range(5)] for g in made]

    assert look(1) == look(1)
    assert look(1) != look(2)


def test_a_counter_only_grows() -> None:
    counter = make_generator(Counter(step=(0, 5)), Random(1))
    seen = [counter.next(0) for _ in range(50)]
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, DeniedError),
        (403, DeniedError),
        (404, RefusedError),
        (409, RefusedError),
        (429, UnavailableError),
        (502, UnavailableError),
        (201, UnavailableError),
    ],
)
def test_answers_to_enrolment_become_errors_by_what_can_be_done(
    status: int, kind: type[Exception]
) -> None:
    client = EnrolClient("http://platform.example")
    with pytest.raises(kind) as caught:
        client._read(status, b'{"title": "No", "detail": "spent"}', "dev-1")
    assert status == 201 or "spent" in str(caught.value)
    client.close()


def test_errors_are_one_line_with_the_code_of_their_kind() -> None:
    assert explain(ConfigError("a\n  b")) == ("a b", EXIT_CODES["configuration"])
    assert explain(KeyboardInterrupt())[1] == 130
    text, code = explain(RuntimeError("boom"))
    assert code == EXIT_CODES["internal"]
    assert text.startswith("internal error: RuntimeError: boom")
