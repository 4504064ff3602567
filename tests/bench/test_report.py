import json
from pathlib import Path

import pytest

from tests.bench import report
from tests.bench.report import Section
from tests.bench.turns import Rounds


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "benchmarks.md", tmp_path / "benchmarks.json"


def section(name: str, text: str = "As it is.", ratio: float = 2.0) -> Section:
    table = [["", "CPU, ms", "queries"], ["this site", "30.0", "16"]]
    return Section(name, f"The {name}", text, [table], {"CPU": Rounds([ratio])}, {"queries": 16})


def test_sections_stand_in_their_order_whichever_is_measured_first(kept):
    report.keep(section("growth"), *kept)
    report.keep(section("login"), *kept)
    text = kept[0].read_text()
    assert text.index("## The login") < text.index("## The growth")
    assert list(json.loads(kept[1].read_text())) == ["login", "growth"]


def test_section_takes_the_place_of_its_earlier_one(kept):
    report.keep(section("login", "Earlier."), *kept)
    report.keep(section("page", "Another one."), *kept)
    report.keep(section("login", "Later.", ratio=1.23456), *kept)
    text = kept[0].read_text()
    assert "Earlier." not in text
    assert text.count("Later.") == text.count("Another one.") == 1
    figures = report.load(kept[1])["login"]
    assert figures == {"ratios": {"CPU": 1.235}, "counts": {"queries": 16}}


def test_table_has_its_columns_below_each_other():
    lines = [line for line in section("login").shown().splitlines() if line.startswith("|")]
    assert lines == [
        "|           | CPU, ms | queries |",
        "| --------- | ------: | ------: |",
        "| this site |    30.0 |      16 |",
    ]


def test_ratios_are_taken_round_by_round():
    ratio = Rounds([2.0, 30.0, 4.0]) / Rounds([1.0, 10.0, 4.0])
    assert ratio.values == [2.0, 3.0, 1.0]
    assert ratio.shown(digits=2) == "2.00 (1.00 to 3.00)"
