"""Rows read and written where a login would wait for Django to put the statement together.

That takes Django several times as long as the database takes to answer. A statement here is of one
model and one column after the other, so text is all that there is to make. Rows are found by
fields and their values, where None is NULL. Signals are not sent.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model
from django.db.models.expressions import RawSQL

_Model = TypeVar("_Model", bound=Model)
Where = Mapping[str, Any]
# The place of a column, what makes Python's value of the database's, and the column.
_Converter = tuple[int, Callable[..., Any], Any]


def insert(rows: Sequence[Model], *, ignore_conflicts: bool = False) -> int:
    """Write new rows of one model and count those written. Their primary keys stay unset.

    Django's ``bulk_create`` would open a transaction for it: two statements more. A value may be
    RawSQL. A row that a constraint refuses is left out with ``ignore_conflicts``.
    """
    if not rows:
        return 0
    into, fields = _insertion(type(rows[0]))
    connection = connections[DEFAULT_DB_ALIAS]
    written: list[str] = []
    given: list[Any] = []
    for row in rows:
        marks = []
        for field in fields:
            value = getattr(row, field.attname)
            if isinstance(value, RawSQL):
                marks.append(value.sql)
                given.extend(value.params)
            else:
                marks.append("%s")
                given.append(field.get_db_prep_save(value, connection))
        written.append(f"({', '.join(marks)})")
    otherwise = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    return _count(f"{into} VALUES {', '.join(written)}{otherwise}", given)


def update(model: type[Model], where: Where, values: Mapping[str, Any]) -> int:
    """Write ``values``, by field, to the rows of ``where``, and count those."""
    assigned = ", ".join(f"{_column(model, name)} = %s" for name in values)
    given = [_prepared(model, name, value) for name, value in values.items()]
    matching, wanted = _matching(model, [where])
    sql = f"UPDATE {_table(model)} SET {assigned} WHERE {matching}"  # noqa: S608 - our own columns
    return _count(sql, [*given, *wanted])


def select(model: type[_Model], *alternatives: Where) -> list[_Model]:
    """Return the rows that one of the ``alternatives`` finds."""
    columns = ", ".join(_column(model, name) for name in names(model))
    matching, wanted = _matching(model, alternatives)
    sql = f"SELECT {columns} FROM {_table(model)} WHERE {matching}"  # noqa: S608 - as above
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(sql, wanted)
        return [read(model, row) for row in cursor.fetchall()]


def read(model: type[_Model], row: Sequence[Any]) -> _Model:
    """Return the instance of a row, whose columns are in the order of the model's fields."""
    values = list(row)
    connection = connections[DEFAULT_DB_ALIAS]
    for place, convert, column in _converters(model, connection.vendor):
        values[place] = convert(values[place], column, connection)
    return model.from_db(DEFAULT_DB_ALIAS, names(model), values)


@cache
def names(model: type[Model]) -> list[str]:
    """Return the names of a model's fields, which are columns, in order."""
    return [field.attname for field in model._meta.concrete_fields]


@cache
def _converters(model: type[Model], vendor: str) -> list[_Converter]:
    """Return what values of this kind of database go through."""
    connection = connections[DEFAULT_DB_ALIAS]
    columns = [field.cached_col for field in model._meta.concrete_fields]
    return [
        (place, convert, column)
        for place, column in enumerate(columns)
        for convert in (
            *connection.ops.get_db_converters(column),
            *column.get_db_converters(connection),
        )
    ]


def _matching(model: type[Model], alternatives: Sequence[Where]) -> tuple[str, list[Any]]:
    """Return a condition with its parameters."""
    matching: list[str] = []
    given: list[Any] = []
    for where in alternatives:
        parts = []
        for name, value in where.items():
            parts.append(f"{_column(model, name)} {'IS NULL' if value is None else '= %s'}")
            if value is not None:
                given.append(_prepared(model, name, value))
        matching.append(" AND ".join(parts))
    return f"({') OR ('.join(matching)})", given


@cache
def _insertion(model: type[Model]) -> tuple[str, list[Any]]:
    """Return how the insertion of rows begins, and the fields that are written."""
    meta = model._meta
    fields = [field for field in meta.concrete_fields if field is not meta.auto_field]
    columns = ", ".join(_column(model, field.attname) for field in fields)
    return f"INSERT INTO {_table(model)} ({columns})", fields


def _table(model: type[Model]) -> str:
    return f'"{model._meta.db_table}"'


def _column(model: type[Model], name: str) -> str:
    # Quoted, since some are words of SQL.
    return f'"{_field(model, name).column}"'


def _prepared(model: type[Model], name: str, value: Any) -> Any:
    return _field(model, name).get_db_prep_save(value, connections[DEFAULT_DB_ALIAS])


def _field(model: type[Model], name: str) -> Any:
    return model._meta.get_field(name)


def _count(sql: str, parameters: list[Any]) -> int:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)
