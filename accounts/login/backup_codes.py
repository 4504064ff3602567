"""The backup codes of somebody who is signed in, for when the phone or the app is gone."""

import logging
from typing import cast

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.aws import backup_codes, functions
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.login.attempt_steps import unavailable
from accounts.models import User

log = logging.getLogger(__name__)


def are_offered() -> bool:
    """Tell whether this site can have any drawn."""
    return bool(conf.texts_function)


def left(request: HttpRequest) -> int:
    """Return how many are left. Raises Unavailable."""
    try:
        return backup_codes.left(cast(User, request.user).sub)
    except functions.FunctionError as error:
        raise unavailable(error) from error


@sensitive_variables()
def draw(request: HttpRequest) -> list[str]:
    """Return new ones in place of all earlier ones. Raises Unavailable."""
    user = cast(User, request.user)
    try:
        codes = backup_codes.draw(user.sub)
    except functions.FunctionError as error:
        raise unavailable(error) from error
    sign_ins.record(
        sign_ins.Kind.BACKUP_CODES, request, phone=user.phone or "", user=user, reason="drawn"
    )
    log.info("New backup codes of %s", user.sub)
    return codes
