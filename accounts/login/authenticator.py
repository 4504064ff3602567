"""The authenticator app of somebody who is signed in: set it up, and remove it.

    begin     the button was pressed    → a secret to scan
    finish    a code of the app         → every sign-in asks for one from now on
    remove    the button was pressed    → sign-ins ask for no such code any more

The triggers ask for the code, whatever client somebody signs in with. The secret is kept here only
until the app is set up, encrypted and for some minutes.
"""

import json
import logging
import time
from typing import cast

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.aws import authenticators, cognito, functions
from accounts.aws.authenticators import App
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.login import attempt_steps, methods, sealing, second_factor, throttle
from accounts.models import User

log = logging.getLogger(__name__)

_KEY = "accounts.authenticator"
_KEPT = 15 * 60


def is_offered() -> bool:
    """Tell whether the sign-ins of this site ask for the codes of apps."""
    return "authenticator" in conf.sign_in_plan and bool(conf.texts_function)


def has_one(user: User) -> bool:
    """Tell whether sign-ins of the person ask for a code of an app. Raises Unavailable."""
    try:
        return cognito.gateway().read_user(user.sub).has_authenticator
    except cognito.CognitoError as error:
        raise attempt_steps.unavailable(error) from error


def begin(request: HttpRequest) -> None:
    """Draw a secret and keep it in the session. Raises Unavailable."""
    user = cast(User, request.user)
    try:
        app = authenticators.draw(user.sub)
    except functions.FunctionError as error:
        raise attempt_steps.unavailable(error) from error
    kept = {"user": user.sub, "salt": app.salt, "secret": app.secret, "at": time.time()}
    request.session[_KEY] = sealing.seal(json.dumps(kept), purpose=_KEY)


def under_way(request: HttpRequest) -> App | None:
    """Return the app that the person is setting up, None where none is or where that is too old."""
    opened = sealing.unseal(str(request.session.get(_KEY, "")), purpose=_KEY)
    if opened is None:
        return None
    kept = json.loads(opened)
    is_old = time.time() - kept["at"] >= _KEPT
    if is_old or kept["user"] != cast(User, request.user).sub:
        return None
    return App(kept["salt"], kept["secret"])


@sensitive_variables("code")
def finish(request: HttpRequest, app: App, code: str) -> bool:
    """Let sign-ins ask for codes of the app, if ``code`` is one. False where it is not.

    Raises TooMany, Unavailable.
    """
    user = cast(User, request.user)
    attempt_steps.within_limits("wrong_codes", request)
    try:
        if not authenticators.check(user.sub, app.salt, code):
            return False
        throttle.give_back(request)
        cognito.gateway().set_authenticator(user.sub, app.salt)
    except (cognito.CognitoError, functions.FunctionError) as error:
        raise attempt_steps.unavailable(error) from error
    opens = second_factor.trust(request)
    second_factor.set_app(user, opens=opens)
    if opens:
        methods.add(request, "otp")
    _note(request, user, reason="set_up")
    return True


def remove(request: HttpRequest) -> None:
    """Let sign-ins ask for no code of an app any more. Harmless when repeated.

    Raises Unavailable.
    """
    user = cast(User, request.user)
    try:
        cognito.gateway().set_authenticator(user.sub, "")
    except cognito.CognitoError as error:
        raise attempt_steps.unavailable(error) from error
    second_factor.set_app(user, opens=False)
    _note(request, user, reason="removed")


def _note(request: HttpRequest, user: User, *, reason: str) -> None:
    request.session.pop(_KEY, None)
    sign_ins.record(
        sign_ins.Kind.AUTHENTICATOR, request, phone=user.phone or "", user=user, reason=reason
    )
    log.info("Authenticator app of %s: %s", user.sub, reason)
