"""Challenges by kind. A kind is a module here, a line in ``KINDS``, and a page.

The page is ``templates/accounts/challenges/<kind>.html``; that of the code is a view of its own.
"""

from typing import Any

from accounts.aws.challenges.authenticator import AuthenticatorChallenge
from accounts.aws.challenges.base import OURS, Challenge
from accounts.aws.challenges.captcha import CaptchaChallenge
from accounts.aws.challenges.code import CodeChallenge
from accounts.aws.challenges.factors import (
    AppFactor,
    AppSetup,
    EmailFactor,
    FactorChoice,
    SmsFactor,
)
from accounts.aws.challenges.proof import ProofChallenge
from accounts.aws.challenges.provider import ProviderChallenge
from accounts.aws.challenges.question import QuestionChallenge
from accounts.aws.challenges.statement import StatementChallenge

__all__ = [
    "KINDS",
    "OURS",
    "AppSetup",
    "CaptchaChallenge",
    "Challenge",
    "CodeChallenge",
    "ProofChallenge",
    "ProviderChallenge",
    "QuestionChallenge",
    "StatementChallenge",
    "named",
]

_ALL: tuple[type[Challenge], ...] = (
    CodeChallenge,
    CaptchaChallenge,
    ProofChallenge,
    ProviderChallenge,
    QuestionChallenge,
    AuthenticatorChallenge,
    StatementChallenge,
    SmsFactor,
    EmailFactor,
    AppFactor,
    FactorChoice,
    AppSetup,
)
KINDS = {each.kind: each for each in _ALL}
_BUILT_IN = {each.cognito_name: each for each in KINDS.values() if each.cognito_name != OURS}


def named(name: str, parameters: dict[str, Any]) -> type[Challenge] | None:
    """Return the kind of a challenge that Cognito calls ``name``, None where there is no answer.

    Our triggers say the kind in their parameters; those that know codes alone do not.
    """
    if name == OURS:
        return KINDS.get(str(parameters.get("kind", CodeChallenge.kind)))
    kind = _BUILT_IN.get(name)
    return kind if kind and kind.is_possible(parameters) else None
