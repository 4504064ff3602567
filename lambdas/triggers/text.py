"""The words of the text message, and phones as logs and pages may show them."""

import re

_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")


def sign_in_text(code: str, *, app_name: str, site_host: str, minutes: int) -> str:
    """Return the message for a code that works for ``minutes``.

    The last line binds the code to the site, so that phones offer it there and nowhere else
    (https://wicg.github.io/sms-one-time-codes/): ``@host #code``, a bare host, nothing after it.
    """
    if not _HOST.fullmatch(site_host):
        raise ValueError("SITE_HOST must be a bare lower-case host name")
    return (
        f"{code} is your {app_name} sign-in code. It works for {minutes} min. "
        f"Do not share it.\n\n@{site_host} #{code}"
    )


def mask(phone: str) -> str:
    """Return ``+14155552671`` as ``+•••••••••71``."""
    digits = phone.removeprefix("+")
    return "+" + "•" * max(0, len(digits) - 2) + digits[-2:]
