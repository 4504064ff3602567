"""Sign-in of somebody whom this site has proven itself, without a code by text.

The ways (``passkey_login``, ``backup_login``, ``recovery``) differ in how they prove a person, and
in nothing else; ``other_way`` takes the tokens alone. Those come as in every other way, from a
client of the site's own whose only step is a statement that the site signs: ADR 23.
"""

import logging
import secrets
import time
from collections.abc import Callable
from typing import Literal

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.aws import cognito
from accounts.aws.cognito_values import Tokens
from accounts.events import sign_ins
from accounts.login import attempt_steps, completion, throttle
from accounts.login.attempt_steps import Step
from accounts.login.errors import LoginError
from accounts.login.pending import Pending
from accounts.models import User

log = logging.getLogger(__name__)


@sensitive_variables("answer", "prove")
def finish(
    request: HttpRequest,
    answer: str,
    *,
    way: Literal["passkey", "backup_code", "recovery"],
    prove: Callable[[Step], User],
    refused: type[LoginError],
    phone: str = "",
    next_url: str,
) -> completion.SignedIn:
    """Sign in the person whom ``prove`` returns.

    It writes ``sub`` and ``methods`` of the attempt, and raises ``refused`` where it proves nobody.
    Raises that, whatever is wrong; InUse, TooMany, Unavailable.
    """
    with attempt_steps.step("login", request) as this:
        if session := this.held.just_signed_in(answer=answer):
            return completion.replay(request, session)
        this.waiting = Pending(
            attempt=secrets.token_urlsafe(12),
            phone=phone,
            next_url=next_url,
            challenge=None,
            reference=sign_ins.draw_reference(),
            texted_at=time.time(),
            way=way,
        )
        attempt_steps.within_limits("wrong_codes", request, reason="network")
        found = prove(this)
        if not found.is_active:
            raise refused(reason="shut_out")
        throttle.give_back(request)
        tokens = granted(found, this.required().methods.split(), refused)
        user = completion.authenticated_user(this, this.required(), tokens)
        if not completion.let_in(this, user):
            return completion.ask_about_others()
        this.held.signed_in(request.session.session_key or "", answer=answer)
    return completion.after_sign_in(user, next_url, way=way)


def granted(
    user: User, methods: list[str], refused: type[LoginError], *, becomes: Pending | None = None
) -> Tokens:
    """Return Cognito's tokens for the person. Raises ``refused`` and Unavailable.

    ``becomes`` is what is pending then.
    """
    try:
        return cognito.site_gateway().sign_in_proven(user.sub, methods=methods)
    except (cognito.Refused, cognito.UnknownUser) as error:
        log.info("Cognito refuses %s, whom this site has proven: %s", user.sub, error)
        raise refused(reason="refused", becomes=becomes) from error
    except cognito.CognitoError as error:
        raise attempt_steps.unavailable(error, becomes=becomes) from error
