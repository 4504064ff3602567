"""Read the site's colours, check their contrast by WCAG, and write them as a stylesheet.

The brand is one colour for buttons and links, in the light theme and in the dark one. Words on it
are black or white, whichever is easier to read.
"""

import re
from collections.abc import Iterable

# The backgrounds of the colour: --page and --card of static/site.css.
LIGHT_SURFACES = ("#f4f5f7", "#ffffff")
DARK_SURFACES = ("#0f1216", "#191d23")
# WCAG 2.2, 1.4.3: links are text of an ordinary size.
ENOUGH = 4.5

_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_BLACK, _WHITE = "#000000", "#ffffff"

_Rgb = tuple[int, int, int]


def parse(colour: str) -> _Rgb:
    """Read ``#0b57d0`` or ``#05d``. Raises ValueError."""
    if not _HEX.fullmatch(colour):
        raise ValueError("A colour is # and three or six hexadecimal digits")
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def contrast(one: str, other: str) -> float:
    """Return WCAG's contrast ratio of two colours, from 1 (none) to 21."""
    low, high = sorted((_luminance(parse(one)), _luminance(parse(other))))
    return (high + 0.05) / (low + 0.05)


def worst_contrast(colour: str, surfaces: Iterable[str]) -> float:
    """Return the lowest contrast ratio of a colour on any of these backgrounds."""
    return min(contrast(colour, surface) for surface in surfaces)


def readable(colour: str, surfaces: tuple[str, ...]) -> str:
    """Return the colour, or the nearest one towards black or white that is readable."""
    goal = parse(_BLACK if surfaces == LIGHT_SURFACES else _WHITE)
    start = parse(colour)
    for step in range(101):
        mixed = [round(a + (b - a) * step / 100) for a, b in zip(start, goal, strict=True)]
        found = "#{:02x}{:02x}{:02x}".format(*mixed)
        if worst_contrast(found, surfaces) >= ENOUGH:
            return found
    raise AssertionError("Black and white are readable")


def stylesheet(light: str, dark: str) -> str:
    """Return CSS rules that replace the colours of static/site.css by the brand's.

    An empty ``dark`` becomes the light colour, made as bright as the dark theme needs.
    """
    dark = dark or readable(light, DARK_SURFACES)
    return (
        f":root{{{_tokens(light)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{_tokens(dark)}}}}}\n"
    )


def admin_stylesheet(light: str, dark: str) -> str:
    """Return the same for static/admin/accounts.css. Operators may choose a theme there."""
    dark = dark or readable(light, DARK_SURFACES)
    in_dark = _tokens(dark, "brand")
    return (
        f":root{{{_tokens(light, 'brand')}}}\n"
        f'@media (prefers-color-scheme:dark){{html:not([data-theme="light"]){{{in_dark}}}}}\n'
        f'html[data-theme="dark"]{{{in_dark}}}\n'
    )


def _tokens(colour: str, name: str = "accent") -> str:
    ink = max(_BLACK, _WHITE, key=lambda each: contrast(each, colour))
    return f"--{name}:{colour};--on-{name}:{ink}"


def _luminance(colour: _Rgb) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (each / 255 for each in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
