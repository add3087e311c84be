"""What an act changed, in rows people can read."""

from muster_platform.web.site.diff import Changed, changes


def test_only_what_differs_is_told_by_its_path() -> None:
    before = {"name": "Door", "tags": {"site": "berlin", "old": "x"}, "same": [1]}
    after = {"name": "Gate", "tags": {"site": "berlin", "new": ""}, "same": [1]}
    found = changes(before, after)
    assert [(row.name, row.before, row.after, row.kind) for row in found] == [
        ("name", "Door", "Gate", "changed"),
        ("tags.old", "x", None, "removed"),
        ("tags.new", None, "", "added"),
    ]


def test_what_was_made_has_no_before_and_what_was_deleted_no_after() -> None:
    assert changes(None, {"a": 1}) == [Changed("a", None, "1")]
    assert changes({"a": None}, None) == [Changed("a", "null", None)]
    assert changes(None, None) == []


def test_a_list_and_a_bare_value_are_compared_as_wholes() -> None:
    assert changes({"a": [1, 2]}, {"a": [2, 1]}) == [Changed("a", "[1, 2]", "[2, 1]")]
    assert changes("x", "y") == [Changed("", "x", "y")]
    assert changes({"a": {}}, {"a": {"b": True}}) == [
        Changed("a", "{}", None),
        Changed("a.b", None, "true"),
    ]
