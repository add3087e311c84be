"""The ways to sign in: password, then a code where one is asked for; or a link from a mail.

Whatever fails is told alike and takes as long, whether the account exists or not.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import jwt
from flask import Response, after_this_request, g

from muster_platform.access import auth as rules
from muster_platform.access import invitations, mail_links, second_factor, sign_ins
from muster_platform.access import sign_in_sessions as lasting
from muster_platform.access.models import User
from muster_platform.errors import NotAuthenticated
from muster_platform.unit import Unit
from muster_platform.web import auth, csrf, device_cookie
from muster_platform.web.context import client_address, platform
from muster_platform.web.limits import HOUR_S, Limit
from muster_platform.web.sessions import ALGORITHM, Claims
from muster_protocol.ids import uuid7

CHALLENGE = "second_factor"
"""Kind of the token between password and code; good for nothing else."""
CHALLENGE_S = 300

ACCOUNTS_PER_ADDRESS = 10
"""An address may try this many times `sign_in_per_minute`, over all accounts."""
ADDRESSES_PER_ACCOUNT = 2
"""All addresses together may try an account this many times as often as one."""
MINUTES_IN_AN_HOUR = 10
"""In an hour an account may be tried for so many minutes' worth: guessing gets slower."""
RESETS_PER_HOUR = 5
RESETS_PER_ADDRESS = 30


class WrongCode(NotAuthenticated):
    """A code of the second factor that is wrong or was used before."""

    code = "wrong_code"

    def __init__(self) -> None:
        super().__init__("the code is wrong or was used before; take the next one")


@dataclass(frozen=True, slots=True)
class Challenge:
    """The password was right; a code is asked for.

    Attributes:
        token: to be given back with the code, within CHALLENGE_S.
    """

    token: str


def sign_in(email: str, password: str) -> auth.SignedIn | Challenge:
    """Check a password, and begin a session unless a code is asked for.

    Raises:
        NotAuthenticated: unknown, disabled or wrong, told alike.
        RateLimited: too many tries.
        CrossSite: sent by a page of another site.
    """
    csrf.check_origin()
    spent = _spend_try(email)
    try:
        with platform().unit(auth.part(), write=False) as unit:
            checked = rules.check_password(unit, email, password)
            asks = rules.has_second_factor(unit.session, checked.id)
    except rules.WrongCredentials as error:
        _note_failure(error)
        raise
    _refund(spent)
    if asks:
        return Challenge(_challenge(checked))
    with platform().unit(auth.part()) as unit:
        return _begin(unit, rules.note_sign_in(unit, checked, password))


def with_code(challenge: str, code: str) -> auth.SignedIn:
    """Check the code that a challenge asks for, and begin a session.

    Raises:
        NotAuthenticated: the challenge has run out or is none, or the code is wrong.
        RateLimited: too many codes for this account.
        CrossSite: sent by a page of another site.
    """
    csrf.check_origin()
    claims = auth.sessions().claims(challenge, CHALLENGE)
    spent = _spend_code(claims.sub)
    with platform().unit(auth.part()) as unit:
        user = rules.held_user(unit, claims.sub)
        if user is None or user.epoch != claims.epoch or user.disabled_at is not None:
            raise NotAuthenticated("sign in again", code="session_ended")
        right = second_factor.take(unit, user.id, code)
        if right is None:
            sign_ins.note_failure(unit, user, auth.seen(), sign_ins.WRONG_CODE)
        else:
            rules.note_sign_in(unit, user, None)
            signed_in = _begin(unit, user, second_factor_=True)
    if right is None:
        raise WrongCode
    _refund(spent)
    return signed_in


def forgot(email: str) -> None:
    """Mail a link to whoever has the address; says nothing about whether anybody has.

    Raises:
        RateLimited: too many for this address, or from here.
        CrossSite: sent by a page of another site.
    """
    csrf.check_origin()
    what = "requests for a new password"
    auth.spend(Limit("reset_address", RESETS_PER_ADDRESS, what, HOUR_S), client_address())
    auth.spend(Limit("reset", RESETS_PER_HOUR, what, HOUR_S), email.strip().lower())
    with platform().unit(auth.part()) as unit:
        invitations.forgot(unit, email, auth.seen())


def owner_of(token: str) -> tuple[User, str]:
    """Give whose link it is, and its purpose; changes nothing.

    Raises:
        LinkEnded: it is none, or none any more.
        RateLimited: too many from here.
    """
    _spend_link()
    with platform().unit(auth.part(), write=False) as unit:
        user, link = mail_links.look(unit, token)
        return user, link.purpose


def by_link(token: str, password: str) -> auth.SignedIn | Challenge:
    """Set the password by a link from a mail, and sign in; a second factor is still asked for.

    Raises:
        LinkEnded: it is none, or none any more.
        InvalidInput: the password does not fit; the link stays.
        RateLimited: too many from here.
        CrossSite: sent by a page of another site.
    """
    csrf.check_origin()
    _spend_link()
    with platform().unit(auth.part()) as unit:
        user = mail_links.use(unit, token, password)
        if rules.has_second_factor(unit.session, user.id):
            return Challenge(_challenge(user))
        return _begin(unit, rules.note_sign_in(unit, user, None))


def confirm(password: str, code: str) -> auth.SignedIn:
    """Check password (and code) of the signed-in person again; gives a fresh access token.

    Raises:
        NotAuthenticated: wrong.
        RateLimited: too many tries.
    """
    actor = auth.current_actor()
    claims: Claims = g.claims
    spent = _spend_code(actor.id)
    with platform().unit(auth.part(), write=False) as unit:
        rules.check_password(unit, actor.name, password)
        asks = rules.has_second_factor(unit.session, actor.id)
    with platform().unit(auth.part()) as unit:
        right = not asks or second_factor.take(unit, actor.id, code) is not None
        if right:
            lasting.authenticated(unit, claims.family)
            user = unit.session.get_one(User, actor.id)
            access = auth.access_token(user, claims.family, unit.now())
    if not right:
        raise WrongCode
    _refund(spent)
    return auth.SignedIn(actor.id, access, "", platform().settings.access_token_s)


def confirm_with_cookies(password: str, code: str) -> str:
    """Do `confirm` for a browser, which gets the new token; "" or what was wrong.

    Raises:
        RateLimited: too many tries.
    """
    try:
        signed_in = confirm(password, code)
    except NotAuthenticated as error:
        return error.detail if isinstance(error, WrongCode) else "the password is wrong"

    def give(response: Response) -> Response:
        auth.set_access_cookie(response, signed_in)
        return response

    after_this_request(give)
    g.claims = auth.sessions().claims(signed_in.access)
    return ""


@contextmanager
def counted_code(user_id: str) -> Iterator[None]:
    """Count a try of a person's password or code; given back when it ends well.

    Raises:
        RateLimited: too many tries.
    """
    spent = _spend_code(user_id)
    yield
    _refund(spent)


def _begin(unit: Unit, user: User, *, second_factor_: bool = False) -> auth.SignedIn:
    seen = auth.seen()
    sign_ins.note_success(unit, user, seen, second_factor=second_factor_)
    issued = lasting.begin(unit, user, seen, second_factor=second_factor_)
    return auth.tokens(user, issued, unit.now())


def _note_failure(error: rules.WrongCredentials) -> None:
    outcome = sign_ins.WRONG_PASSWORD if error.user else sign_ins.UNKNOWN
    with platform().unit(auth.part()) as unit:
        wrong = sign_ins.DISABLED if error.disabled else outcome
        sign_ins.note_failure(unit, error.user, auth.seen(), wrong)


Spent = list[tuple[Limit, tuple[str, ...]]]


def _spend_try(email: str) -> Spent:
    """Count a try; a browser that signed in before has a count of its own.

    Returns:
        What a right password gives back: successes do not use up an account's tries.
    """
    address, account = client_address(), email.strip().lower()
    most, what = platform().settings.sign_in_per_minute, "tries to sign in"
    device = device_cookie.known(account)
    if device:
        auth.spend(Limit("sign_in_device", most, what), device, account)
        return []
    auth.spend(Limit("sign_in", most, what), address, account)
    auth.spend(Limit("sign_in_address", ACCOUNTS_PER_ADDRESS * most, what), address)
    minute = Limit("sign_in_account", ADDRESSES_PER_ACCOUNT * most, what)
    hour = Limit("sign_in_account_hour", MINUTES_IN_AN_HOUR * most, what, HOUR_S)
    for limit in (minute, hour):
        auth.spend(limit, account)
    return [(limit, (account,)) for limit in (minute, hour)]


def _spend_code(user_id: str) -> Spent:
    most, what = platform().settings.sign_in_per_minute, "codes or passwords for this account"
    limits = [
        Limit("code", most, what),
        Limit("code_hour", MINUTES_IN_AN_HOUR * most, what, HOUR_S),
    ]
    for limit in limits:
        auth.spend(limit, user_id)
    return [(limit, (user_id,)) for limit in limits]


def _spend_link() -> None:
    most = ACCOUNTS_PER_ADDRESS * platform().settings.sign_in_per_minute
    auth.spend(Limit("mail_link", most, "links tried"), client_address())


def _refund(spent: Spent) -> None:
    for limit, subject in spent:
        auth.refund(limit, *subject)


def _challenge(user: User) -> str:
    now_ms = platform().clock.now_ms()
    claims = {
        "sub": user.id,
        "type": CHALLENGE,
        "jti": uuid7(now_ms),
        "exp": now_ms // 1000 + CHALLENGE_S,
        "epoch": user.epoch,
        "family": "",
    }
    return jwt.encode(claims, platform().settings.jwt_secret, algorithm=ALGORITHM)
