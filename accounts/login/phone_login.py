"""Sign-in by phone.

    start      a phone was typed         → a code is on its way
    resend     nothing arrived           → another text is on its way
    send_by    nothing arrived           → a call, WhatsApp or a mail is
    finish     a code was typed          → signed in
    sign_out

The steps are those of ``code_flow``, and so is what a person can run into (``errors``). The flows
are those of ``login_flow`` and ``other_way``: a sign-in goes on as it began.
"""

from django.contrib.auth import logout
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts import sessions
from accounts.aws.challenges import CodeChallenge
from accounts.conf import conf
from accounts.login import attempt_steps, code_flow, completion, other_channel, pending
from accounts.login.errors import PasswordAgain, TooSoon
from accounts.login.flow import Texted
from accounts.login.login_flow import OTHER_WAYS, Login, LoginWithPassword
from accounts.login.other_way import LoginByOtherWay
from accounts.login.pending import Way
from accounts.models import Session

LOGIN = Login()


@sensitive_variables("password")
def start(
    request: HttpRequest,
    phone: str,
    *,
    next_url: str,
    password: str | None = None,
    way: Way = "",
) -> Texted:
    """Text a code to ``phone``, if its password is right where the plan has one.

    By another ``way`` (one of ``login_flow.OTHER_WAYS``) the code goes elsewhere. See
    ``code_flow.start``. Raises WrongPassword and FurtherStep as well.
    """
    flow = LoginByOtherWay(way) if way else LOGIN
    if password is not None:
        flow = LoginWithPassword(password)
    return code_flow.start(flow, request, phone, next_url=next_url)


def resend(request: HttpRequest) -> Texted:
    """Send a code again, the same way; see ``code_flow.resend``.

    Raises PasswordAgain where the plan has a password: Cognito wants it for every text.
    """
    if conf.asks_password:
        with attempt_steps.step(LOGIN.purpose, request, mine=LOGIN.mine) as this:
            if wait := this.required().seconds_to_resend():
                raise TooSoon(wait)
        raise PasswordAgain
    return code_flow.resend(_under_way(request), request)


def send_by(request: HttpRequest, channel: str) -> Texted:
    """Send the code by another channel; see ``other_channel.send``."""
    return other_channel.send(_under_way(request), request, channel)


@sensitive_variables("code")
def finish(
    request: HttpRequest, code: str, *, attempt: str = "", kind: str = CodeChallenge.kind
) -> completion.SignedIn:
    """Sign the person in with what they typed; see ``code_flow.finish``.

    Raises InUse as well, where another device is signed in, and Dormant, where nobody used the
    account for long.
    """
    return code_flow.finish(_under_way(request), request, code, attempt=attempt, kind=kind)


def forget(request: HttpRequest) -> None:
    """Drop the sign-in under way, and the number with it."""
    pending.forget(request)


def sign_out(request: HttpRequest) -> None:
    """End this browser's session. Nobody but us is asked.

    Where it was ended behind the person's back, that is left to be told.
    """
    session = sessions.for_request(request)
    if session.ended:
        return
    if session.row:
        sessions.end(session.row, Session.Ended.SIGNED_OUT, by=request)
    logout(request)


def _under_way(request: HttpRequest) -> Login:
    """Return the flow of the sign-in that this browser began."""
    found = attempt_steps.current(request)
    return LoginByOtherWay(found.way) if found and found.way in OTHER_WAYS else LOGIN
