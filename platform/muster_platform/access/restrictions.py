"""What a person must do before anything else: one table, asked for on each request."""

from muster_platform.errors import PermissionDenied

PASSWORD_CHANGE = "password_change"  # noqa: S105 - no password
SECOND_FACTOR = "second_factor"

WORDS = {
    PASSWORD_CHANGE: "your password was given to you; choose one of your own first: "
    "POST /api/v1/me/password, or the account page",
    SECOND_FACTOR: "a role of yours asks for a second factor; set one up first: "
    "POST /api/v1/me/second-factor, or the account page",
}


class Restricted(PermissionDenied):
    """The caller must do something about their own account first.

    Attributes:
        restriction: which; the code is it and `_required`.
    """

    def __init__(self, restriction: str) -> None:
        super().__init__("an account that is set up")
        self.restriction = restriction
        self.code = f"{restriction}_required"
        self.detail = WORDS[restriction]
        self.extra = {}
