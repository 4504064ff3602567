"""A picture of how figures grow with a size: an SVG that needs no package, for light and dark."""

import math
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 890, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 330, 56, 384
_APART = 19
_COLOURS = ("#1f77b4", "#c2570c", "#2a8a3e", "#c23b3b", "#7d5bb5", "#8a6d1f", "#b8408f", "#0f8a94")
_STYLE = """
  .paper { fill: #ffffff }
  .grid { stroke: #d0d7de }
  text { fill: #1f2328; font: 13px sans-serif }
  .title { font: bold 15px sans-serif }
  .limit { stroke: #57606a; stroke-dasharray: 6 5 }
  polyline { fill: none; stroke-width: 2.5 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #161b22 }
    .grid { stroke: #3d444d }
    text { fill: #e6edf3 }
    .limit { stroke: #b1bac4 }
    .curve { filter: brightness(1.5) }
  }
"""


@dataclass(frozen=True)
class Curve:
    """``values`` has one for each size. A curve that is a ``limit`` is drawn in dashes."""

    name: str
    values: list[float]
    is_limit: bool = False


def draw(title: str, sizes: dict[str, float], curves: list[Curve]) -> str:
    """Return the picture. ``sizes`` are above zero, by their labels, smallest first.

    Sizes are on a logarithmic scale, values on a linear one that begins at zero.
    """
    logs = [math.log(size) for size in sizes.values()]
    span = (logs[-1] - logs[0]) or 1
    across = [_LEFT + (_WIDTH - _LEFT - _RIGHT) * (log - logs[0]) / span for log in logs]
    highest = max(1.0, *(value for curve in curves for value in curve.values))
    top = math.ceil(highest * 2) / 2

    def down(value: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * value / top

    step = next(each for each in (0.25, 0.5, 1, 2, 5, 10, 50, math.inf) if top / each <= 8)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{_HEIGHT}" rx="8"/>',
        f'<text class="title" x="{_LEFT}" y="30">{escape(title)}</text>',
    ]
    for n in range(int(top / step) + 1):
        y = down(n * step)
        lines.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{n * step:g}</text>')
    for label, x in zip(sizes, across, strict=True):
        lines.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{_BOTTOM}"/>')
        for n, part in enumerate(label.split("\n")):
            lines.append(
                f'<text x="{x:.1f}" y="{_BOTTOM + 20 + 17 * n}" text-anchor="middle">'
                f"{escape(part)}</text>"
            )
    places = _apart([down(curve.values[-1]) for curve in curves])
    for n, (curve, place) in enumerate(zip(curves, places, strict=True)):
        points = " ".join(
            f"{x:.1f},{down(value):.1f}" for x, value in zip(across, curve.values, strict=True)
        )
        how = "limit" if curve.is_limit else "curve"
        colour = "" if curve.is_limit else f' stroke="{_COLOURS[n % len(_COLOURS)]}"'
        lines.append(f'<polyline class="{how}"{colour} points="{points}"/>')
        end, x = down(curve.values[-1]), across[-1]
        lines.append(
            f'<path class="{how}"{colour} d="M{x + 5:.1f} {end:.1f}L{x + 22:.1f} {place:.1f}"/>'
        )
        lines.append(
            f'<text x="{x + 27:.1f}" y="{place + 4:.1f}">'
            f"{escape(curve.name)}: {curve.values[-1]:.2f}</text>"
        )
    return "\n".join([*lines, "</svg>\n"])


def _apart(wanted: list[float]) -> list[float]:
    """Return places for labels, in the same order and at least a line apart."""
    found = dict.fromkeys(range(len(wanted)), 0.0)
    # From the bottom up, where the curves end close together.
    free = float(_BOTTOM)
    for n in sorted(found, key=lambda n: -wanted[n]):
        found[n] = min(wanted[n], free)
        free = found[n] - _APART
    return list(found.values())
