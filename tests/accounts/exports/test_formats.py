"""Files as spreadsheets and programs read them."""

import csv
import io
import json

import pytest

from accounts.exports.formats import FORMATS

COLUMNS = ("name", "number", "is_held", "until")
ROWS = [("Ana, “Ñ”", "+1••••••••23", True, None), ('a "b"\r\nc', "", False, "2026-01-01")]


def whole(name: str, *pieces: list) -> str:
    form = FORMATS[name]
    between = form.between.join(form.rows(COLUMNS, piece) for piece in pieces)
    return form.head(COLUMNS) + between + form.tail


def cells(text: str, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), ""), delimiter=separator))


def test_csv_says_that_it_is_utf_8_and_has_a_line_for_each_row():
    text = whole("csv", ROWS[:1], ROWS[1:])
    assert text.startswith("\ufeffname,number,is_held,until\r\n")
    assert cells(text)[1:] == [
        ["Ana, “Ñ”", "'+1••••••••23", "true", ""],
        ['a "b"\r\nc', "", "false", "2026-01-01"],
    ]


@pytest.mark.parametrize("pieces", [[ROWS], [ROWS[:1], ROWS[1:]], [[]]], ids=len)
def test_json_is_a_list_of_objects_however_many_pieces_it_came_in(pieces):
    found = json.loads(whole("json", *pieces))
    assert found == [dict(zip(COLUMNS, row, strict=True)) for piece in pieces for row in piece]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "typed",
    [
        "=1+1",
        "+12015550123",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r\n=1",
        " =1",
        '"=1',
        "＝1",  # noqa: RUF001 - a wide sign
        "Ana;=1",
        "Ana; =1",
        'Ana;"=1',
        "Ana|=1",
        "Ana\t@x",
        "Ana, -1",
    ],
)
def test_no_cell_is_a_formula_whatever_separates_cells(typed, separator):
    """A spreadsheet reads commas or semicolons, by its country."""
    text = FORMATS["csv"].rows(("a", "b"), [("x", typed), (typed, "y")])
    for row in cells(text, separator):
        for cell in row:
            assert cell.strip()[:1] not in ("=", "+", "-", "@", "＝"), cell  # noqa: RUF001


@pytest.mark.parametrize("typed", ["Ana", "a-b", "K7F-2Q", "2026-11-22T07:00:00+00:00", "1+1"])
def test_other_cells_are_as_they_are(typed):
    assert cells(FORMATS["csv"].rows(("a",), [(typed,)])) == [[typed]]


def test_json_needs_no_apostrophe():
    assert json.loads(whole("json", [("=1", "+1", None, None)]))[0]["name"] == "=1"
