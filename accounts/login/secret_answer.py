"""The secret question of somebody who is signed in, and a new answer to it."""

import logging
from typing import cast

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.aws import functions, secret_answers
from accounts.aws.secret_answers import SecretQuestion
from accounts.login.attempt_steps import unavailable
from accounts.models import User

log = logging.getLogger(__name__)


def show(request: HttpRequest) -> SecretQuestion:
    """Return the question. Raises Unavailable."""
    try:
        return secret_answers.show(cast(User, request.user).sub)
    except functions.FunctionError as error:
        raise unavailable(error) from error


@sensitive_variables("answer")
def keep(request: HttpRequest, answer: str) -> bool:
    """Keep a new answer. False for one that is too short or too long. Raises Unavailable."""
    user = cast(User, request.user)
    try:
        is_kept = secret_answers.keep(user.sub, answer)
    except functions.FunctionError as error:
        raise unavailable(error) from error
    if is_kept:
        log.info("Another answer to the secret question of %s", user.pk)
    return is_kept
