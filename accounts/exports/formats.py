"""Rows as CSV for spreadsheets and as JSON, in pieces that make a file one after the other.

A file is ``head``, then ``rows`` any number of times with ``between`` between them, then ``tail``.
Values are texts, numbers, booleans and None.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from accounts.models import Export

# A spreadsheet takes a cell that begins so for a formula. It may read another separator than ours
# (";" where "," is for decimals), so a cell may also begin in the middle of a value.
_FORMULA = re.compile(r'(^|[\t\r\n;,|])(?=[\s"]*[=+\-@＝＋－＠])')  # noqa: RUF001 - wide signs
_BYTE_ORDER_MARK = "\ufeff"


class Format(Protocol):
    """``media_type`` is that of the file."""

    media_type: str
    between: str
    tail: str

    def head(self, columns: Sequence[str]) -> str:
        """Return the beginning of a file."""

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
        """Return a piece of it."""


class Csv:
    """CSV as RFC 4180 has it, in which no cell is a formula.

    An apostrophe before a sign keeps spreadsheets from reading a formula, as OWASP advises ("CSV
    injection"). Without the mark at its beginning, Excel would not take the file for UTF-8.
    """

    media_type = "text/csv; charset=utf-8"
    between = tail = ""

    def head(self, columns: Sequence[str]) -> str:
        """Return the mark and the names of the columns."""
        return _BYTE_ORDER_MARK + self.rows(columns, [columns])

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
        """Return a line for each row."""
        out = io.StringIO()
        csv.writer(out).writerows([_cell(value) for value in row] for row in rows)
        return out.getvalue()


class Json:
    """A list of objects, one on each line."""

    media_type = "application/json"
    between = ",\n"
    tail = "\n]\n"

    def head(self, columns: Sequence[str]) -> str:
        """Return what opens the list."""
        return "[\n"

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
        """Return an object for each row."""
        return self.between.join(
            json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows
        )


FORMATS: dict[str, Format] = {Export.Format.CSV: Csv(), Export.Format.JSON: Json()}


def _cell(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    return _FORMULA.sub(r"\1'", str(value))
