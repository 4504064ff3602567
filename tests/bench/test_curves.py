import itertools
import re
from xml.etree import ElementTree  # noqa: S405 - reads our own pictures

from tests.bench import curves
from tests.bench.curves import Curve

SVG = "{http://www.w3.org/2000/svg}"
SIZES = {"10 k": 10_000, "100 k": 100_000, "1 M": 1_000_000}


def drawn(*lines: Curve) -> ElementTree.Element:
    return ElementTree.fromstring(curves.draw("Growth of <this>", SIZES, list(lines)))  # noqa: S314 - ours


def points(line: ElementTree.Element) -> list[tuple[float, float]]:
    return [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]


def test_sizes_of_equal_ratio_are_equally_far_apart_and_values_go_up():
    line = points(drawn(Curve("login", [1.0, 1.5, 2.0])).find(f"{SVG}polyline"))
    (x1, y1), (x2, y2), (x3, y3) = line
    assert x2 - x1 == x3 - x2 > 0
    assert y1 > y2 > y3
    assert round(y1 - y2, 1) == round(y2 - y3, 1)


def test_labels_of_curves_that_end_together_do_not_cover_each_other():
    picture = drawn(*(Curve(f"curve {n}", [1, 1, 1 + n / 1000]) for n in range(6)))
    labels = [each for each in picture.iter(f"{SVG}text") if (each.text or "").startswith("curve")]
    heights = sorted(float(each.attrib["y"]) for each in labels)
    assert len(heights) == 6
    assert all(below - above >= 18 for above, below in itertools.pairwise(heights))
    assert heights[0] > 0


def test_text_and_paper_have_colours_for_dark_pages():
    style = drawn(Curve("login", [1, 1, 1])).find(f"{SVG}style").text
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for part in (light, dark):
        colours = dict(re.findall(r"(\.paper|text) \{ fill: (#\w{6})", part))
        assert len(set(colours.values())) == 2
