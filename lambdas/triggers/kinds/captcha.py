"""A CAPTCHA of Turnstile, hCaptcha or reCAPTCHA: its token is verified by the provider.

The three have the same way to verify a token: a form with the secret and the token, and a reply
that says whether it is right, and on which host it was made.
"""

import re
import time
from functools import cache
from urllib.parse import urlencode

from .. import environment, http_json, keys, ledger, telemetry
from ..codes.pace import ANSWER_WITHIN, milliseconds_since
from . import Answered, Asked, Made

ACTION = "sign_in"
_VERIFIERS = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
    "recaptcha": "https://www.google.com/recaptcha/api/siteverify",
}
_TOKEN = re.compile(r"[!-~]{1,8192}")
# Seconds. The rest of ANSWER_WITHIN is for the ledger.
_LONGEST = 2.5


def make(asked: Asked) -> Made:
    """Ask for a token, the same way for a known and an unknown name."""
    return Made(
        public={
            "provider": _provider(),
            "siteKey": environment.text("CAPTCHA_SITE_KEY"),
            "action": ACTION,
        },
        private={},
        metadata="",
    )


def is_right(answered: Answered) -> bool:
    """Ask the provider about the token, and take it once.

    It is not counted: a token guesses at nobody's secret.
    """
    is_verified, reason = _judged(answered)
    telemetry.record(
        "captcha_passed" if is_verified else "captcha_refused",
        metrics={"CaptchasPassed" if is_verified else "CaptchasRefused": 1},
        reason=reason,
        phone=answered.phone,
        milliseconds=milliseconds_since(answered.started),
    )
    return is_verified


def _judged(answered: Answered) -> tuple[bool, str]:
    """Tell whether the token counts, and why not, or why although nobody verified it."""
    token = answered.answer
    if not (isinstance(token, str) and _TOKEN.fullmatch(token)):
        return False, "no_token"
    provider = _provider()
    try:
        reply = http_json.call(
            "POST",
            environment.optional("CAPTCHA_VERIFIER") or _VERIFIERS[provider],
            form=urlencode({"secret": _secret(), "response": token}),
            headers={},
            within=min(answered.started + ANSWER_WITHIN - time.monotonic(), _LONGEST),
        )
        reason = _why_not(reply, provider)
    except http_json.NoReplyError:
        reason = "no_answer"
    if reason and not (reason == "no_answer" and _fails_open()):
        return False, reason
    name = keys.pseudonym("captcha", token)
    if not ledger.configured().guesses.take(name, now=answered.now):
        return False, "used"
    return True, reason


def _why_not(answer: http_json.Reply, provider: str) -> str:
    """Return why a reply of the provider does not let the token pass, "" where it does."""
    reply = answer.body
    if answer.status != 200 or not isinstance(reply, dict):
        return "no_answer"
    if reply.get("success") is not True:
        codes = reply.get("error-codes")
        ours = isinstance(codes, list) and any("secret" in str(code) for code in codes)
        return "wrong_secret" if ours else "not_verified"
    if reply.get("hostname") != environment.text("SITE_HOST"):
        return "other_host"
    # Only Turnstile always says for what a token was made.
    action = reply.get("action") if provider == "turnstile" else reply.get("action", ACTION)
    return "" if action == ACTION else "other_action"


@cache
def _secret() -> str:
    """Return the secret with which the provider knows us. Raises botocore's errors."""
    return keys.read_secret("CAPTCHA_SECRET_ID").strip()


def _provider() -> str:
    provider = environment.text("CAPTCHA_PROVIDER")
    if provider not in _VERIFIERS:
        raise environment.WrongEnvironment(
            f"CAPTCHA_PROVIDER must be one of {', '.join(_VERIFIERS)}"
        )
    return provider


def _fails_open() -> bool:
    return environment.text("CAPTCHA_FAILS", "closed") == "open"
