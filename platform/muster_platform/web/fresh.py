"""A fresh sign-in for what must not be done with a session that was left open or stolen.

Routes of the API say `fresh=True`; a page calls `require_fresh()` before it acts. API tokens are
let through: they were made by a fresh sign-in and have permissions of their own.
"""

from flask import g, request

from muster_platform.access.permissions import Permission
from muster_platform.errors import PermissionDenied
from muster_platform.web import auth
from muster_platform.web.context import platform
from muster_platform.web.sessions import Claims

PASSWORD_FIELD = "fresh_password"  # noqa: S105 - a field's name
CODE_FIELD = "fresh_code"
"""Fields by which a form that is sent again brings what was asked for."""

ACTS: dict[str, str] = {
    "roles": "Give roles and take them away, make and edit roles",
    "tokens": "Make API tokens",
    "second_factor": "Set up, remove and reset second factors",
    "email": "Change an e-mail address",
    "passwords": "Give another person a password",
    "sessions": "End another person's sign-ins",
    "purge": "Delete a device with what it sent, for good",
}
"""What asks for a fresh sign-in, in words; each is marked where it is declared."""


class FreshSignInRequired(PermissionDenied):
    """The person gave the password too long ago for this.

    Attributes:
        problem: what was wrong with the password that came along; "" when none did.
    """

    code = "fresh_sign_in_required"

    def __init__(self, max_age_s: int, problem: str = "") -> None:
        super().__init__(Permission.USERS_WRITE)
        self.detail = problem or (
            f"this needs your password, given within the last {max_age_s} s: "
            "POST /api/v1/auth/fresh gives a token for it"
        )
        self.problem = problem
        self.extra = {"max_age_s": max_age_s}


def is_fresh() -> bool:
    """Say whether the present request's person gave the password a short while ago."""
    claims: Claims = g.claims
    age_ms = platform().clock.now_ms() - claims.auth_time * 1000
    return age_ms <= platform().settings.fresh_sign_in_s * 1000


def require_fresh() -> None:
    """Refuse unless the person gave the password a short while ago, or gives it with this form.

    Raises:
        FreshSignInRequired: neither; the site then asks, and sends the form again.
        RateLimited: too many wrong ones.
    """
    actor = auth.current_actor()
    if actor.kind != "user" or is_fresh():
        return
    max_age_s = platform().settings.fresh_sign_in_s
    password = request.form.get(PASSWORD_FIELD)
    if password is None:
        raise FreshSignInRequired(max_age_s)
    # Here, not above: signing in asks this module's callers' modules.
    from muster_platform.web import signing_in

    problem = signing_in.confirm_with_cookies(password, request.form.get(CODE_FIELD, ""))
    if problem:
        raise FreshSignInRequired(max_age_s, problem)
