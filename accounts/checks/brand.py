"""Checks of the site's name, help, logo and colours."""

import re
from contextlib import suppress
from typing import Any

from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email

from accounts import brand
from accounts.conf import conf

_CALLABLE = re.compile(r"\+[1-9][0-9 ().-]{5,24}")


@register(deploy=True)
def check_names(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn if the site has no name of its own, or no contact: W003, W004."""
    found: list[CheckMessage] = []
    if conf.site_name in ("", "Phone login"):
        found.append(
            Warning(
                "SITE_NAME is not set: pages would not call the site what texts call it.",
                hint="It is the output SiteName of the stack, the AppName of deploy.toml.",
                id="accounts.W003",
            )
        )
    if not conf.site_contact:
        found.append(
            Warning(
                "SITE_CONTACT is not set: people whose number was taken cannot reach you.",
                hint="An e-mail address or a page, such as help@example.com.",
                id="accounts.W004",
            )
        )
    return found


@register()
def check_contact(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require an e-mail address or a page with https: E023."""
    if not conf.site_contact or _is_contact(conf.site_contact):
        return []
    return [
        Error(
            f"SITE_CONTACT is not an e-mail address or a page: {conf.site_contact!r}.",
            hint="Write it like help@example.com or https://www.example.com/help.",
            id="accounts.E023",
        )
    ]


@register()
def check_help(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require a phone that can be called, and pages with https: E024."""
    found: list[CheckMessage] = []
    if conf.site_phone and not _CALLABLE.fullmatch(conf.site_phone):
        found.append(
            Error(
                f"SITE_PHONE is no phone: {conf.site_phone!r}.",
                hint="Write it with + and the country code, such as +44 20 7946 0000.",
                id="accounts.E024",
            )
        )
    for name, page in (
        ("SITE_PRIVACY_URL", conf.site_privacy_url),
        ("SITE_TERMS_URL", conf.site_terms_url),
    ):
        if page and not _is_page(page):
            found.append(
                Error(
                    f"{name} is not a page: {page!r}.",
                    hint="Write it like https://www.example.com/privacy.",
                    id="accounts.E024",
                )
            )
    return found


@register()
def check_logo(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require a static file: E022."""
    if not conf.site_logo or finders.find(conf.site_logo):
        return []
    return [
        Error(
            f"SITE_LOGO is not a static file: {conf.site_logo!r}.",
            hint="Put it into static/ and give its path from there, such as brand/logo.svg.",
            id="accounts.E022",
        )
    ]


@register()
def check_colors(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require colours that are readable on every background of the pages: E020, E021."""
    if conf.site_color_dark and not conf.site_color:
        return [Error("SITE_COLOR_DARK needs a SITE_COLOR.", id="accounts.E020")]
    found: list[CheckMessage] = []
    for name, colour, surfaces in (
        ("SITE_COLOR", conf.site_color, brand.LIGHT_SURFACES),
        ("SITE_COLOR_DARK", conf.site_color_dark, brand.DARK_SURFACES),
    ):
        if not colour:
            continue
        try:
            ratio = brand.worst_contrast(colour, surfaces)
        except ValueError:
            found.append(
                Error(
                    f"{name} is not a colour: {colour!r}.",
                    hint="Write it like #0b57d0.",
                    id="accounts.E020",
                )
            )
            continue
        if ratio < brand.ENOUGH:
            found.append(
                Error(
                    f"{name} is too faint for links: {colour} has a contrast of {ratio:.1f}:1, "
                    f"and {brand.ENOUGH}:1 is needed.",
                    hint=f"The nearest colour that can be read is "
                    f"{brand.readable(colour, surfaces)}.",
                    id="accounts.E021",
                )
            )
    return found


def _is_contact(value: str) -> bool:
    with suppress(ValidationError):
        validate_email(value)
        return True
    return _is_page(value)


def _is_page(value: str) -> bool:
    with suppress(ValidationError):
        URLValidator(schemes=["https"])(value)
        return True
    return False
