"""The key of an authenticator app, as a picture to scan and in groups to type."""

from urllib.parse import quote, urlencode

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag
def authenticator_qr(secret: str, site: str, account: str) -> SafeString:
    """Return the QR code of a secret (base 32) as SVG. ``account`` tells it apart in the app.

    It is black on white in dark pages as well: many apps read no other one. It has attributes and
    no styles, so that the page's policy lets it through.
    """
    # Here, since every other page does without it.
    import segno

    label = quote(f"{site}:{account}")
    address = f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': site})}"
    picture = segno.make_qr(address)
    svg = picture.svg_inline(border=4, omitsize=True, dark="#000", light="#fff", svgclass="qr")
    return mark_safe(svg)  # noqa: S308 - segno writes nothing of the address but squares


@register.filter
def in_groups(secret: str) -> str:
    """Return a key in groups of four, as it is read and typed."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
