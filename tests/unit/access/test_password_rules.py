"""What a password must be: long, not common, not about its owner, and nothing else."""

import pyotp
import pytest

from muster_platform.access import second_factor_rules as codes
from muster_platform.access.password_rules import fault

CONTEXT = ("anna.schmidt@kuehlkette.example", "Anna Schmidt")
NOW_MS = 1_800_000_000_000
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "aaaaaaaaaaab",  # no rule of composition
        "ein langes Wörtchen 日本",
        "🐢🐇" * 5 + "🦊🦊",
        "x" * 255 + "y",
        "annas alte Katze liegt",  # holds the name, and enough beside it
    ],
)
def test_what_is_long_enough_and_not_common_is_taken(password):
    assert fault(password, CONTEXT) == ""


@pytest.mark.parametrize("password", ["", "x" * 11, "🐢" * 11, "x" * 257])
def test_too_short_and_too_long_are_told_with_the_length(password):
    assert f"this one has {len(password)}" in fault(password)


@pytest.mark.parametrize(
    "password",
    [
        "Password1234",
        "qwertyuiop123!",
        "passwordpassword",
        "Iloveyou2024!",
        "a" * 12,
        "abcabcabcabc",
    ],
)
def test_what_attackers_try_first_is_refused_with_digits_behind_it_too(password):
    assert fault(password)


@pytest.mark.parametrize(
    "password", ["annaschmidt99", "Muster-Muster-1", "kuehlkette2026", "schmidt.password"]
)
def test_what_is_little_more_than_the_owner_or_the_product_is_refused(password):
    assert fault(password, CONTEXT)


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_of_a_clock_that_is_a_step_off_is_right(steps):
    code = pyotp.TOTP(SECRET).at(NOW_MS // 1000 + steps * codes.STEP_S)
    assert codes.matching_step(SECRET, code, NOW_MS, 0) == NOW_MS // 1000 // codes.STEP_S + steps


def test_no_code_of_a_step_that_was_taken_or_came_before_it():
    step = NOW_MS // 1000 // codes.STEP_S
    for steps in (-1, 0):
        code = pyotp.TOTP(SECRET).at(NOW_MS // 1000 + steps * codes.STEP_S)
        assert codes.matching_step(SECRET, code, NOW_MS, step) is None


@pytest.mark.parametrize(
    "code",
    ["", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "-12345", "12 34"],
)
def test_what_is_no_code_is_none(code):
    assert codes.matching_step(SECRET, code, NOW_MS, 0) is None


def test_recovery_codes_are_ten_and_found_however_they_are_typed():
    made = codes.new_recovery_codes()
    assert len(set(made)) == codes.RECOVERY_CODES
    one = made[0]
    wanted = codes.recovery_hash(one)
    assert wanted is not None
    assert {codes.recovery_hash(t) for t in (one.upper(), one.replace("-", " "))} == {wanted}
    assert codes.recovery_hash(one[:-1]) is None
    assert codes.recovery_hash("ü" * 16) is None


def test_the_address_for_the_app_names_person_and_installation():
    found = codes.address(SECRET, "ana@example.org", "https://fleet.example/")
    assert found.startswith("otpauth://totp/")
    assert "fleet.example" in found
    assert "ana%40example.org" in found
