"""Settings decided on data: merging, patching, how a key stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_platform.devices import settings_rules as rules
from muster_platform.devices.settings_rules import KeyState
from muster_platform.errors import InvalidInput

KEYS = st.sampled_from(["a", "b", "camera.fps", "d"])
VALUES = st.recursive(
    st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=5,
)
LAYER = st.dictionaries(KEYS, VALUES, max_size=4)
LAYERS = st.lists(LAYER, max_size=4)


@given(LAYERS)
def test_the_topmost_layer_that_names_a_key_gives_its_whole_value(layers):
    merged = rules.merge(layers)
    assert merged.keys() == {key for layer in layers for key in layer}
    for key, value in merged.items():
        top = next(layer for layer in reversed(layers) if key in layer)
        assert value is top[key]


@given(LAYERS, st.integers(0, 4))
def test_merging_in_two_goes_is_merging_at_once(layers, cut):
    assert rules.merge([rules.merge(layers[:cut]), *layers[cut:]]) == rules.merge(layers)


@given(LAYERS, KEYS)
def test_what_is_taken_out_of_the_top_layer_is_inherited_again(layers, key):
    top = layers[-1] if layers else {}
    without = rules.merge_patch(top, {key: None})
    below = rules.merge(layers[:-1])
    assert rules.merge([*layers[:-1], without]).get(key, "nothing") == below.get(key, "nothing")


@given(LAYER, LAYER)
def test_a_patch_leaves_its_arguments_alone_and_makes_what_it_says(target, patch):
    before = repr((target, patch))
    result = rules.merge_patch(target, patch)
    assert repr((target, patch)) == before
    for key in target.keys() - patch.keys():
        assert result[key] == target[key]
    for key, value in patch.items():
        if not isinstance(value, dict):
            assert rules.equal(result[key], value)


# RFC 7396, appendix A: the cases themselves, written anew.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_as_the_standard_says(target, patch, result):
    assert rules.merge_patch(target, patch) == result


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (5, 5.0, True),
        (1, True, False),
        (0, False, False),
        ([1, {"a": 2}], [1.0, {"a": 2}], True),
        ([1], [True], False),
        ({"a": None}, {}, False),
        ("5", 5, False),
    ],
)
def test_values_are_the_same_as_json_sees_them(one, other, same):
    assert rules.equal(one, other) is same
    assert rules.equal(other, one) is same


@given(LAYER, LAYER)
def test_only_keys_that_changed_are_stamped_anew(before, after):
    stamps = rules.stamped(dict.fromkeys(before, 1), before, after, 9)
    assert stamps.keys() == after.keys()
    for key, moment in stamps.items():
        assert moment == (9 if key in rules.changed(before, after) else 1)


@pytest.mark.parametrize(
    ("desired", "word"),
    [
        ({"": 1}, "name of a setting"),
        ({" a": 1}, "name of a setting"),
        ({"a\n": 1}, "name of a setting"),
        ({"k" * 129: 1}, "name of a setting"),
        ({"a": None}, "null is no value"),
        ({"a": float("nan")}, "no number"),
        ({"a": [1, {"b": float("inf")}]}, "no number"),
        ({f"k{n}": n for n in range(1_001)}, "at most 1000"),
        ({1: 2}, "one JSON object"),
    ],
)
def test_what_no_layer_may_hold_is_refused_in_words(desired, word):
    with pytest.raises(InvalidInput, match=word) as caught:
        rules.check(desired)
    assert caught.value.where == "desired"


def test_settings_nested_too_deep_are_refused():
    deep: object = 1
    for _ in range(40):
        deep = {"a": deep}
    with pytest.raises(InvalidInput):
        rules.check({"a": deep})


def _stand(desired, reported, errors, *, version=3, applied=3, reachable=True):
    report = rules.Report(reported, errors, applied, {"k": 50}, 60, reachable, 40)
    return {one.key: one for one in rules.standings(desired, version, {"k": 30}, report)}["k"]


@pytest.mark.parametrize(
    ("desired", "reported", "errors", "more", "state", "since"),
    [
        ({"k": 5}, {"k": 5}, {}, {}, KeyState.IN_SYNC, 50),
        ({"k": 5}, {"k": 5.0}, {}, {"applied": 2}, KeyState.IN_SYNC, 50),
        ({"k": 5}, {"k": 4}, {}, {"applied": 2}, KeyState.WAITING, 40),
        ({"k": 5}, {}, {}, {"applied": 0}, KeyState.WAITING, 40),
        ({"k": 5}, {"k": 4}, {}, {"applied": 2, "reachable": False}, KeyState.OFFLINE, 40),
        ({"k": 5}, {"k": 5}, {}, {"applied": 2, "reachable": False}, KeyState.IN_SYNC, 50),
        ({"k": 5}, {"k": 4}, {"k": "no"}, {}, KeyState.REJECTED, 50),
        ({"k": 5}, {"k": 4}, {"k": "no"}, {"applied": 2}, KeyState.WAITING, 40),
        ({"k": 5}, {"k": 4}, {}, {}, KeyState.DIFFERS, 50),
        ({"k": 5}, {}, {}, {}, KeyState.DIFFERS, 50),
        ({"k": True}, {"k": 1}, {}, {}, KeyState.DIFFERS, 50),
        ({}, {"k": 4}, {}, {}, KeyState.ONLY_REPORTED, 50),
        ({}, {"k": 4}, {}, {"applied": 2, "reachable": False}, KeyState.ONLY_REPORTED, 50),
        ({}, {}, {"k": "no"}, {}, KeyState.ONLY_REPORTED, 50),
    ],
)
def test_how_a_key_stands_and_since_when(desired, reported, errors, more, state, since):
    found = _stand(desired, reported, errors, **more)
    assert (found.state, found.since) == (state, since)
    assert found.error == errors.get("k", "")


def test_a_key_rejected_again_after_a_change_is_rejected_since_the_change():
    report = rules.Report({}, {"k": "no"}, 4, {"k": 50}, 90, True, 40)
    [found] = rules.standings({"k": 5}, 4, {"k": 80}, report)
    assert (found.state, found.since) == (KeyState.REJECTED, 80)
