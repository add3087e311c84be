"""Mails that tell people what happened to their own account."""

from muster_platform.access import mails
from muster_platform.access.models import User
from muster_platform.unit import Unit

KIND = "notice"


def password_changed(unit: Unit, user: User) -> None:
    """Tell that the password was changed."""
    _tell(unit, user, "Your password was changed", f"The password of {user.email} was changed.")


def second_factor_set_up(unit: Unit, user: User) -> None:
    """Tell that a second factor was set up."""
    what = f"From now on signing in as {user.email} takes a code of an authenticator app."
    _tell(unit, user, "A second factor was set up", what)


def second_factor_removed(unit: Unit, user: User, by: str | None) -> None:
    """Tell that the second factor is gone.

    Args:
        by: who took it away, None for the person themselves.
    """
    who = f"{by} removed it" if by else "It was removed from the account page"
    what = f"Signing in as {user.email} takes no code of an authenticator app any more. {who}."
    _tell(unit, user, "The second factor was removed", what)


def _tell(unit: Unit, user: User, title: str, what: str) -> None:
    mails.write(
        unit, user.email, KIND, title=title, name=user.name, what=what, action="Open your account"
    )
