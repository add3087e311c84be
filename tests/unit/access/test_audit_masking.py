"""Secrets are masked before they reach the audit log, and what is none stays readable."""

import pytest

from muster_platform.access.audit_chain import canonical, entry_hash
from muster_platform.access.audit_masking import (
    ANOTHER,
    MASKED,
    mask,
    mask_change,
    names_a_secret,
)


@pytest.mark.parametrize(
    "name",
    [
        *("password", "old_password", "wifiPassword", "WIFI_PASSWORD", "wifi-password", "psk"),
        *("secret", "client_secret_value", "push_token", "accessToken", "password_hash"),
        *("Authorization", "recovery_codes", "totp", "api_key", "apiKey", "privateKey", "pin"),
    ],
)
def test_the_name_of_a_secret_is_known_in_every_spelling(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "token_id",
            "password_changed_at",
            "key",
            "interval_s",
            "pinned",
            "tokenizer",
            "spinning",
        ),
        *("secretary", "token_prefix", "shipping", "group", "monkey", "", "1"),
    ],
)
def test_what_is_no_secret_s_name_stays(name: str) -> None:
    assert not names_a_secret(name)


def test_secrets_are_masked_at_any_depth_and_their_presence_is_kept() -> None:
    given = {
        "args": [{"wifi": {"ssid": "Hall", "psk": "12345678"}}],
        "password": {"old": "a", "new": "b"},
        "must_change_password": True,
        "recovery_codes": ["one", "two"],
        "secret": None,
    }
    assert mask(given) == {
        "args": [{"wifi": {"ssid": "Hall", "psk": MASKED}}],
        "password": MASKED,
        "must_change_password": True,
        "recovery_codes": MASKED,
        "secret": None,
    }


def test_a_secret_that_changed_shows_that_it_did_and_nothing_more() -> None:
    before = {"wifi": {"ssid": "Hall", "psk": "old"}, "token": "same", "pin": None}
    after = {"wifi": {"ssid": "Hall 2", "psk": "new"}, "token": "same", "pin": "1", "psk": "x"}
    assert mask_change(before, after) == (
        {"wifi": {"ssid": "Hall", "psk": MASKED}, "token": MASKED, "pin": None},
        {"wifi": {"ssid": "Hall 2", "psk": ANOTHER}, "token": MASKED, "pin": MASKED, "psk": MASKED},
    )
    assert mask_change(None, {"psk": "x"}) == (None, {"psk": MASKED})
    assert mask_change({"psk": "x"}, None) == ({"psk": MASKED}, None)


@pytest.mark.parametrize(
    "secret",
    [
        "mst_" + "a" * 40,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaGhhc2g",
        "$7$101$c2FsdHNhbHQ=$aGFzaGhhc2hoYXNo",
        "Bearer abcdefghijklmnop",
    ],
)
def test_what_looks_like_a_secret_is_masked_whatever_it_is_called(secret: str) -> None:
    masked = mask({"note": f"use {secret} please"})["note"]
    assert secret not in masked
    assert masked.startswith("use ")


def test_a_password_in_an_address_is_masked_and_the_address_stays() -> None:
    assert mask({"url": "mqtt://muster:hunter2@broker:1883"}) == {
        "url": f"mqtt://{MASKED}@broker:1883"
    }


def test_what_json_has_no_number_for_becomes_text() -> None:
    assert mask({"a": float("nan"), "b": float("inf")}) == {"a": "nan", "b": "inf"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (1e22, 10**22),
        (1.2345678901234567e18, 1234567890123456800),
        (1e308, 10**308),
        (2.0, 2),
        (-0.0, 0),
        (1.5e-7, 0.00000015),
    ],
)
def test_a_number_counts_the_same_however_the_database_gives_it_back(
    written: float, read: float
) -> None:
    assert canonical({"x": [written]}) == canonical({"x": [read]})
    assert str(canonical(written)) == str(canonical(read))


def test_every_field_and_the_place_in_the_chain_are_part_of_the_hash() -> None:
    fields = {
        "at": 1,
        "actor_kind": "user",
        "actor_id": "u",
        "actor_name": "U",
        "action": "a.b",
        "subject_kind": "device",
        "subject_id": "d",
        "subject_name": "D",
        "device_key": 1,
        "before": {"x": 1},
        "after": {"x": 2},
        "reason": "why",
        "request_id": "r",
    }
    seen = {entry_hash("", 1, fields), entry_hash("", 2, fields), entry_hash("0", 1, fields)}
    for name in fields:
        seen.add(entry_hash("", 1, {**fields, name: "other"}))
        seen.add(entry_hash("", 1, {**fields, name: None}))
    assert len(seen) == 3 + 2 * len(fields)
