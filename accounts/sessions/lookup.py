"""Read a session with its user: the one statement of every page, so it is compiled only once.

Compiling takes Django several times as long as the database takes to answer.
"""

from datetime import datetime
from functools import cache

from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone

from accounts.models import Session, User, statements

_COLUMNS = len(statements.names(Session))
_OWNER = Session._meta.get_field("user")


def find(digest: str, now: datetime) -> Session | None:
    """Return the session with this digest and its user, unless it was forgotten before ``now``."""
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        cursor.execute(
            _compiled(connection.vendor), [digest, connection.ops.adapt_datetimefield_value(now)]
        )
        found = cursor.fetchone()
    if found is None:
        return None
    session = statements.read(Session, found[:_COLUMNS])
    user = None
    if session.user_id is not None:
        user = statements.read(User, found[_COLUMNS:])
    _OWNER.set_cached_value(session, user)
    return session


@cache
def _compiled(vendor: str) -> str:
    """Return the statement for this kind of database.

    It asks for the columns of both models in the order of their fields.
    """
    # Two calls: Django would sort the names of one, and with them the parameters.
    rows = Session.objects.filter(session_key="").filter(expire_date__gt=timezone.now())
    sql, _ = rows.select_related("user").order_by().query.sql_with_params()
    return sql
