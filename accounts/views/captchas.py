"""The script of a CAPTCHA's provider, and room for it in the policy of its page."""

from dataclasses import dataclass
from typing import Any

from csp.constants import HEADER
from csp.utils import build_policy
from django.http import HttpResponse

KIND = "captcha"


@dataclass(frozen=True)
class _Provider:
    """``api`` is the name that its ``script`` has in the page; ``sources`` may be loaded there."""

    script: str
    api: str
    sources: tuple[str, ...]


_PROVIDERS = {
    "turnstile": _Provider(
        "https://challenges.cloudflare.com/turnstile/v0/api.js",
        "turnstile",
        ("https://challenges.cloudflare.com",),
    ),
    "hcaptcha": _Provider(
        "https://js.hcaptcha.com/1/api.js",
        "hcaptcha",
        ("https://hcaptcha.com", "https://*.hcaptcha.com"),
    ),
    "recaptcha": _Provider(
        "https://www.google.com/recaptcha/api.js",
        "grecaptcha",
        (
            "https://www.google.com/recaptcha/",
            "https://www.gstatic.com/recaptcha/",
            "https://recaptcha.google.com/recaptcha/",
        ),
    ),
}
_DIRECTIVES = ("script-src", "frame-src", "connect-src", "style-src")


def context(challenge: Any) -> dict[str, str]:
    """Return what the template of a CAPTCHA wants to know beyond the challenge."""
    provider = _PROVIDERS[challenge.provider]
    script = f"{provider.script}?render=explicit&onload=captchaReady"
    return {"script": script, "api": provider.api}


def allow_client(response: HttpResponse, challenge: Any) -> None:
    """Let this one page load what the provider needs, and nothing of anybody else."""
    sources = list(_PROVIDERS[challenge.provider].sources)
    response[HEADER] = build_policy(update=dict.fromkeys(_DIRECTIVES, sources))
