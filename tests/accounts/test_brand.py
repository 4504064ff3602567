import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import brand

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21),
        ("#ffffff", "#ffffff", 1),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#fff", 4.54),
        ("#0b57d0", "#ffffff", 6.39),
    ],
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    assert brand.contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert brand.contrast(other, one) == brand.contrast(one, other)


@pytest.mark.parametrize(
    "junk", ["", "red", "0b57d0", "#0b57d", "#0b57d0ff", "#xyzxyz", "#fff;}", "#fff\n", "#ÀÀÀ"]
)
def test_what_is_no_colour_is_refused(junk):
    with pytest.raises(ValueError, match="colour"):
        brand.parse(junk)


@given(colours, st.sampled_from([brand.LIGHT_SURFACES, brand.DARK_SURFACES]))
def test_readable_colour_is_readable_and_the_same_if_it_was(colour, surfaces):
    found = brand.readable(colour, surfaces)
    assert brand.worst_contrast(found, surfaces) >= brand.ENOUGH
    if brand.worst_contrast(colour, surfaces) >= brand.ENOUGH:
        assert found == colour


@given(colours)
def test_stylesheet_writes_readable_words_on_the_colour(colour):
    light, dark = brand.stylesheet(colour, "").splitlines()
    for rule in (light, dark):
        accent, ink = (part.partition(":")[2] for part in rule[rule.index("--") :].split(";"))
        assert brand.contrast(accent, ink.strip("}")) >= brand.ENOUGH
    assert light == f":root{{--accent:{colour};--on-accent:{ink_of(light)}}}"
    assert dark.startswith("@media (prefers-color-scheme:dark){:root{")


def ink_of(rule: str) -> str:
    return rule.rpartition(":")[2].strip("}")


def test_stylesheet_takes_the_dark_colour_that_is_given():
    assert "--accent:#ffee00" in brand.stylesheet("#0b57d0", "#ffee00").splitlines()[1]


@given(colours)
def test_stylesheet_of_the_admin_has_the_same_colours_for_a_chosen_theme(colour):
    site = brand.stylesheet(colour, "").replace("accent", "brand").splitlines()
    light, dark, chosen = brand.admin_stylesheet(colour, "").splitlines()
    assert light == site[0]
    tokens = chosen.removeprefix('html[data-theme="dark"]')
    assert tokens in dark
    assert tokens in site[1]
