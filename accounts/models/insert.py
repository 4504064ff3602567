"""Add rows with one statement and no transaction around it, where a login would wait for more."""

from collections.abc import Sequence

from django.db import connection
from django.db.models import Model


def insert(rows: Sequence[Model], *, ignore_conflicts: bool = False) -> int:
    """Write new rows of one model and count those written. Their primary keys stay unset.

    Django's ``bulk_create`` would open a transaction for it: two statements more. Signals are not
    sent. A row that a constraint refuses is left out with ``ignore_conflicts``.
    """
    if not rows:
        return 0
    meta, quote = rows[0]._meta, connection.ops.quote_name
    fields = [field for field in meta.concrete_fields if field is not meta.auto_field]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(rows))
    otherwise = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    values = [
        field.get_db_prep_save(getattr(row, field.attname), connection)
        for row in rows
        for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES {marks}{otherwise}",  # noqa: S608 - names of our own columns
            values,
        )
        return int(cursor.rowcount)
