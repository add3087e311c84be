"""Refresh tokens: one use each, but for two tabs."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from muster_platform.access import auth
from muster_platform.access.models import RefreshToken, User
from muster_platform.access.users import UserService
from muster_platform.errors import NotAuthenticated
from muster_platform.outbox import EpochChanged
from tests.services.database import ADMIN, TestPlatform


@pytest.fixture
def token(platform: TestPlatform) -> RefreshToken:
    with platform.unit(ADMIN) as unit:
        user, _ = UserService(unit).create("ana@example.org", "Ana", "correct horse battery")
        return auth.issue_refresh(unit, user.id)


def test_a_token_is_exchanged_for_the_next_of_its_family(platform, token):
    second = auth.rotate_refresh(platform.units, token.jti)
    third = auth.rotate_refresh(platform.units, second.jti)
    assert len({token.jti, second.jti, third.jti}) == 3
    assert {second.family, third.family} == {token.family}


def test_two_tabs_may_use_one_token_within_the_grace(platform, token):
    auth.rotate_refresh(platform.units, token.jti)
    platform.time.advance(s=platform.settings.refresh_grace_s)
    assert auth.rotate_refresh(platform.units, token.jti).family == token.family


def test_a_second_use_after_the_grace_ends_the_family_and_access_too(platform, token):
    second = auth.rotate_refresh(platform.units, token.jti)
    platform.time.advance(s=platform.settings.refresh_grace_s, ms=1)
    with pytest.raises(NotAuthenticated) as caught:
        auth.rotate_refresh(platform.units, token.jti)
    assert caught.value.code == "refresh_token_reused"
    with pytest.raises(NotAuthenticated):
        auth.rotate_refresh(platform.units, second.jti)
    with platform.unit(ADMIN, write=False) as unit:
        assert unit.session.get_one(User, token.user_id).epoch == 2


def test_an_expired_or_unknown_token_is_refused(platform, token):
    with pytest.raises(NotAuthenticated):
        auth.rotate_refresh(platform.units, "unknown")
    platform.time.advance(s=platform.settings.refresh_token_s)
    with pytest.raises(NotAuthenticated):
        auth.rotate_refresh(platform.units, token.jti)


def test_one_family_can_be_revoked_alone(platform, token):
    with platform.unit(ADMIN) as unit:
        other = auth.issue_refresh(unit, token.user_id)
        auth.revoke_family(unit, token.family)
    with pytest.raises(NotAuthenticated):
        auth.rotate_refresh(platform.units, token.jti)
    assert auth.rotate_refresh(platform.units, other.jti).family == other.family


def _meanwhile(platform: TestPlatform, first: Callable[[Any], None], second: Callable[[], Any]):
    """Begin a unit, let another thread act, end the unit; give what became of the other."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(second())
        except NotAuthenticated as error:
            found.append(error.code)

    other = threading.Thread(target=run)
    with platform.unit(ADMIN) as unit:
        first(unit)
        other.start()
        other.join(0.5)  # it waits for the unit, or is done: either is a fair order
    other.join(30)
    assert not other.is_alive()
    return found[0]


def test_what_an_exchange_gives_while_its_sign_in_is_ended_is_ended_too(platform, token):
    def revoke() -> None:
        with platform.unit(ADMIN) as unit:
            auth.revoke_family(unit, token.family)

    def exchange(unit: Any) -> None:
        unit.session.get(RefreshToken, token.jti, with_for_update=True)
        auth.issue_refresh(unit, token.user_id, token.family)

    _meanwhile(platform, exchange, revoke)
    with platform.unit(ADMIN, write=False) as unit:
        rows = unit.session.scalars(select(RefreshToken)).all()
    assert len(rows) == 2
    assert all(row.revoked_at is not None for row in rows)


def test_a_password_that_is_changed_meanwhile_signs_nobody_in(platform, token):
    with platform.unit(ADMIN, write=False) as unit:
        checked = auth.check_password(unit, "ana@example.org", "correct horse battery")

    def change(unit: Any) -> None:
        UserService(unit).set_password(token.user_id, "another horse battery")

    def sign_in() -> str:
        with platform.unit(ADMIN) as unit:
            user = auth.note_sign_in(unit, checked, None)
            return auth.issue_refresh(unit, user.id).family

    assert _meanwhile(platform, change, sign_in) == "bad_credentials"


def test_two_changes_of_rights_at_once_are_two_epochs(platform, token):
    def bump(unit: Any) -> None:
        auth.bump_epoch(unit, unit.session.get_one(User, token.user_id))
        unit.session.flush()

    def again() -> None:
        with platform.unit(ADMIN) as unit:
            bump(unit)

    _meanwhile(platform, bump, again)
    with platform.unit(ADMIN, write=False) as unit:
        assert unit.session.get_one(User, token.user_id).epoch == 3
    told = [s.epoch for s in platform.recorded.sent if isinstance(s, EpochChanged)]
    assert sorted(told) == [2, 3]
