"""Read a session with its user: the one statement of every page, so it is compiled only once.

Compiling takes Django several times as long as the database takes to answer.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Session, User

_SESSION = [field.attname for field in Session._meta.concrete_fields]
_USER = [field.attname for field in User._meta.concrete_fields]
_OWNER = Session._meta.get_field("user")
# The place of a column, what makes Python's value of the database's, and the column.
_Converter = tuple[int, Callable[..., Any], Any]


def find(digest: str, now: datetime) -> Session | None:
    """Return the session with this digest and its user, unless it was forgotten before ``now``."""
    sql, converters = _compiled(connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(sql, [digest, connection.ops.adapt_datetimefield_value(now)])
        found = cursor.fetchone()
    if found is None:
        return None
    values = list(found)
    for place, convert, column in converters:
        values[place] = convert(values[place], column, connection)
    session = Session.from_db(connection.alias, _SESSION, values[: len(_SESSION)])
    user = None
    if session.user_id is not None:
        user = User.from_db(connection.alias, _USER, values[len(_SESSION) :])
    _OWNER.set_cached_value(session, user)
    return session


@cache
def _compiled(vendor: str) -> tuple[str, list[_Converter]]:
    """Return the statement for this kind of database, and what its values go through."""
    # Two calls: Django would sort the names of one, and with them the parameters.
    rows = Session.objects.filter(session_key="").filter(expire_date__gt=timezone.now())
    sql, _ = rows.select_related("user").order_by().query.sql_with_params()
    # The columns of both tables in the order in which Django asks for them.
    columns = [
        field.cached_col for model in (Session, User) for field in model._meta.concrete_fields
    ]
    converters = [
        (place, convert, column)
        for place, column in enumerate(columns)
        for convert in (
            *connection.ops.get_db_converters(column),
            *column.get_db_converters(connection),
        )
    ]
    return sql, converters
