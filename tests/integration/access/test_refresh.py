"""Refresh tokens: one use each, but for two tabs."""

import pytest

from muster_platform.access import auth
from muster_platform.access.models import RefreshToken, User
from muster_platform.access.users import UserService
from muster_platform.errors import NotAuthenticated
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
