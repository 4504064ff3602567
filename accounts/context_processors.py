"""Template variables of every page: the name, help, logo and colours of the site."""

import re
from functools import cache
from zlib import crc32

from django.http import HttpRequest

from accounts import brand
from accounts.conf import conf


def site(request: HttpRequest) -> dict[str, str | bool]:
    """Return the template variables; "" for each that is not set."""
    return {
        "site_name": conf.site_name,
        "site_contact": conf.site_contact,
        "site_contact_url": _address(conf.site_contact),
        "site_phone": conf.site_phone,
        "site_phone_url": f"tel:{re.sub('[^+0-9]', '', conf.site_phone)}",
        "site_privacy_url": conf.site_privacy_url,
        "site_terms_url": conf.site_terms_url,
        "site_logo": conf.site_logo,
        "asks_password": conf.asks_password,
        "brand_version": _brand_version(conf.site_color, conf.site_color_dark),
    }


def _address(contact: str) -> str:
    """Return the URL of a link to ``contact``."""
    return f"mailto:{contact}" if contact and "/" not in contact else contact


@cache
def _brand_version(light: str, dark: str) -> str:
    """Return a version for the stylesheet's URL, so that browsers may keep it for ever."""
    return f"{crc32(brand.stylesheet(light, dark).encode()):08x}" if light else ""
