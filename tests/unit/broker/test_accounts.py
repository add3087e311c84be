"""Secrets and the accounts file: right ones pass, damage and wrong ones never do."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from muster_broker.accounts import contract
from muster_broker.accounts.files import (
    AccountsFileError,
    read_accounts,
    set_secret,
    write_accounts,
)
from muster_broker.accounts.passwords import hash_secret, verify_secret

SECRETS = st.text(st.characters(exclude_characters="\0"))


@given(SECRETS, st.text())
@example(secret="a", other="a\0")
def test_only_the_same_secret_verifies(secret: str, other: str) -> None:
    stored = hash_secret(secret)
    assert verify_secret(secret, stored)
    assert verify_secret(other, stored) is (other == secret)


def test_a_secret_with_a_nul_is_not_hashed() -> None:
    with pytest.raises(ValueError, match="NUL"):
        hash_secret("a\0")


@given(st.text())
def test_any_stored_text_is_refused_without_an_error(stored: str) -> None:
    assert verify_secret("secret", stored) is False


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "$7$101$AAAA$",
        "$6$101$AAAAAAAA$AAAA",
        "$7$0$AAAA$AAAA",
        "$7$-1$AAAA$AAAA",
        "$7$99999999999$AAAA$AAAA",
        "$7$101$AAAA$AAAA$AAAA",
        "$7$101$é$AAAA",
    ],
)
def test_damaged_hashes_are_refused(stored: str) -> None:
    assert verify_secret("", stored) is False


def test_the_form_is_mosquittos() -> None:
    stored = hash_secret("secret", salt=b"\0" * 12)
    assert stored.startswith("$7$101$AAAAAAAAAAAAAAAA$")
    assert len(stored.split("$")[-1]) == 88


BY_MOSQUITTO_PASSWD = (
    "$7$101$Ek5d5GValt2qXvI5$"
    "UyKcO4KO05luzrMSPd3TYI2jKtMy8J/Ak33cpqYn2cF5VM+e6YR3K//MZ1NbeT2FPSGrCLRw54MSIvNvw0N6LQ=="
)


def test_a_hash_that_mosquitto_passwd_wrote_verifies() -> None:
    assert verify_secret("s3cret", BY_MOSQUITTO_PASSWD)
    assert not verify_secret("S3cret", BY_MOSQUITTO_PASSWD)


def test_an_account_is_added_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "made" / "accounts"
    set_secret(path, "_ingest", "a")
    set_secret(path, "_dispatch", "b")
    set_secret(path, "_ingest", "c")
    accounts = read_accounts(path)
    assert set(accounts) == {"_ingest", "_dispatch"}
    assert verify_secret("c", accounts["_ingest"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["accounts"]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "accounts"
    path.write_text("# ours\n\n_ingest:plain\n")
    with pytest.raises(AccountsFileError, match="line 3"):
        read_accounts(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AccountsFileError, match="nowhere"):
        read_accounts(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["", "a:b", "#a", "a\nb", " a"])
def test_a_name_that_would_break_the_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AccountsFileError):
        write_accounts(tmp_path / "accounts", {name: hash_secret("x")})
    assert list(tmp_path.iterdir()) == []


def test_the_contract_reads_an_answer_with_unknown_fields() -> None:
    answer = msgspec.json.decode(
        b'{"allow": false, "reason": "bad_credentials", "more": 1}', type=contract.ConnectAnswer
    )
    assert (answer.allow, answer.reason, answer.cache_s) == (False, "bad_credentials", 0)
