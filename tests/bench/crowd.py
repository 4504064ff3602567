"""A million users and five million events, made by the database itself in a few minutes."""

import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from auditlog.models import LogEntry
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection

from accounts.events import sign_ins
from accounts.models import Operation, Session, SignInEvent, User

DAYS = 180


def fill(users: int, events: int) -> None:
    with timed("migrate"):
        call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION pgcrypto")
        with timed(f"{users:,} users"), without_indexes(cursor, "accounts_user"):
            insert_users(cursor, users)
        with timed(f"{users // 5:,} sessions"):
            insert_sessions(cursor, users)
        with timed(f"{users // 5:,} entries of the audit log, {users // 10:,} orders"):
            insert_entries(cursor, users // 5)
            insert_orders(cursor, users // 10)
        with timed(f"{events:,} events"), without_indexes(cursor, "accounts_signinevent"):
            insert_events(cursor, users, events)
        with timed("vacuum and analyze"):
            cursor.execute("VACUUM ANALYZE")
    with timed("hours summed up"):
        call_command("purge", verbosity=0, stdout=sys.stderr)


@contextmanager
def timed(what: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"  {what}: {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)


@contextmanager
def without_indexes(cursor: Any, table: str) -> Iterator[None]:
    """Make the table's indexes when it is full, which takes a fraction of the time."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname NOT IN"
        " (SELECT conname FROM pg_constraint)",
        [table],
    )
    found = cursor.fetchall()
    for name, _definition in found:
        cursor.execute(f'DROP INDEX "{name}"')
    yield
    for _name, definition in found:
        cursor.execute(definition)


def insert(cursor: Any, model: Any, columns: dict[str, str], source: str) -> None:
    """Insert what ``source`` yields; what is not named gets the model's default."""
    for field in model._meta.concrete_fields:
        if field.column not in columns and not field.primary_key:
            default = field.get_default()
            value = default if default is not None or field.null else ""
            adapted = field.get_db_prep_save(value, connection)
            columns[field.column] = cursor.mogrify("%s", [adapted])
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(columns.values())
    cursor.execute(f"INSERT INTO {model._meta.db_table} ({names}) SELECT {values} {source}")


NAMES = (
    "ARRAY['Alba','Bruno','Clara','Dana','Elif','Farid','Greta','Hugo','Ines','Jonas','Kira',"
    "'Liam','Mara','Nils','Olga','Pavel','Rosa','Samir','Tess','Umar']"
)
# A tenth has never signed in here; some share, some are held.
USER_COLUMNS = {
    "sub": "md5('+1201' || to_char(2000000 + n, 'FM0000000'))::uuid::text",
    "phone": "'+1201' || to_char(2000000 + n, 'FM0000000')",
    "phone_verified": "n % 10 <> 0",
    "name": f"CASE WHEN n % 3 = 0 THEN ({NAMES})[1 + n % 20] || ' ' || n ELSE '' END",
    "password": "'!' || md5('password' || n)",
    "last_login": "CASE WHEN n % 10 <> 0 THEN now() - random() * interval '180 days' END",
    "date_joined": "now() - interval '180 days' - random() * interval '900 days'",
    "sharing": "CASE WHEN n % 200 = 1 THEN 2 WHEN n % 50 = 1 THEN 1 ELSE 0 END",
    "sharing_at": "CASE WHEN n % 10 <> 0 THEN now() - random() * interval '6 days' END",
    "devices_in_week": "n % 4",
    "held_until": "CASE WHEN n % 5000 = 7 THEN now() + interval '10 minutes' END",
    "is_staff": "n % 50000 = 3",
    "is_active": "n % 1000 <> 5",
    "cognito_status": "CASE WHEN n % 10 = 0 THEN '' ELSE 'CONFIRMED' END",
    "cognito_enabled": "n % 1000 <> 5",
    "checked_at": "now() - random() * interval '1 day'",
}


def insert_users(cursor: Any, number: int) -> None:
    pool = {"pool": cursor.mogrify("%s", [settings.COGNITO_USER_POOL_ID])}
    insert(cursor, User, {**USER_COLUMNS, **pool}, f"FROM generate_series(1, {number}) AS n")


def insert_sessions(cursor: Any, users: int) -> None:
    columns = {
        "session_key": "md5('session' || n)",
        "session_data": "''",
        "expire_date": "now() + interval '7 days'",
        "handle": "left(md5('handle' || n), 16)",
        "user_id": "n * 5",
        "device": "(ARRAY['iPhone','Chrome on Android','Firefox on Windows'])[1 + n % 3]",
        "network": "'203.0.113.0/24'",
        "signed_in_at": "now() - interval '3 days'",
        "last_seen": "now() - random() * interval '3 days'",
        "confirmed_at": "now() - interval '3 days'",
    }
    insert(cursor, Session, columns, f"FROM generate_series(1, {users // 5}) AS n")


def insert_entries(cursor: Any, number: int) -> None:
    columns = {
        "content_type_id": f"{ContentType.objects.get_for_model(User).pk}",
        "object_pk": "n::text",
        "object_id": "n",
        "object_repr": "'+1••••••••23'",
        "action": "n % 2",
        "changes": """'{"is_active": ["True", "False"]}'::jsonb""",
        "actor_id": "3",
        "timestamp": "now() - random() * interval '180 days'",
    }
    insert(cursor, LogEntry, columns, f"FROM generate_series(1, {number}) AS n")


def insert_orders(cursor: Any, number: int) -> None:
    columns = {
        "kind": "(ARRAY['disable','enable','sign_out','invite'])[1 + n % 4]",
        "state": "CASE WHEN n % 5000 = 0 THEN 'refused' ELSE 'done' END",
        "user_id": "n",
        "who": "'+1••••••••23'",
        "by_id": "3",
        "ordered_at": f"now() - ({number} - n) * interval '1 minute'",
    }
    insert(cursor, Operation, columns, f"FROM generate_series(1, {number}) AS n")


ATTEMPTS = """
CREATE TEMP TABLE attempts AS
SELECT n, u, started, 'attempt' || lpad(to_hex(n), 9, '0') AS attempt,
       translate(upper(left(md5('ref' || n), 5)), '01', 'XY') AS ref, country, phone, key, fate,
       wait, slip, again, md5('browser' || u % 700000) AS browser, u % 3 AS device
FROM (
    SELECT n, u, now() - random() * interval '{days} days' AS started,
           (ARRAY['US','US','US','US','US','US','US','GB','GB','FR'])[1 + u % 10] AS country,
           '+1••••••••' || to_char((2000000 + u) % 100, 'FM00') AS phone,
           encode(
               hmac(('+1201' || to_char(2000000 + u, 'FM0000000'))::bytea, '\\x{key}', 'sha256'),
               'hex'
           ) AS key,
           random() AS fate, (6 + 30 * -ln(1 - random() * 0.999))::int AS wait,
           random() < 0.15 AS slip, random() < 0.06 AS again
    FROM (SELECT n, 1 + (random() * random() * {last_user})::int AS u
          FROM generate_series(1, {number}) AS n) AS drawn
) AS made
"""
STEPS_PER_ATTEMPT = 2.99
# fate: above 0.08 a text is sent, above 0.2 the person signs in.
STEPS = (
    ("started", "''", "started", "NULL::int", "true"),
    ("sent", "''", "started + interval '0.4 seconds'", "NULL", "fate > 0.08"),
    (
        "blocked",
        "(ARRAY['network','unknown','shut_out','landline'])[1 + n % 4]",
        "started + interval '0.4 seconds'",
        "NULL",
        "fate <= 0.08",
    ),
    ("resent", "''", "started + interval '40 seconds'", "NULL", "again AND fate > 0.08"),
    (
        "failed",
        "'wrong_code'",
        "started + wait * interval '0.8 seconds'",
        "NULL",
        "slip AND fate > 0.08",
    ),
    (
        "failed",
        "(ARRAY['over','expired','unavailable'])[1 + n % 3]",
        "started + wait * interval '2 seconds'",
        "NULL",
        "fate > 0.08 AND fate <= 0.12",
    ),
    (
        "held",
        "'held'",
        "started + wait * interval '2.1 seconds'",
        "NULL",
        "fate > 0.0805 AND fate <= 0.081",
    ),
    (
        "succeeded",
        "''",
        "started + wait * interval '1 second'",
        "wait",
        "fate > 0.2",
    ),
    ("taken_over", "''", "started + wait * interval '1 second'", "NULL", "fate > 0.97"),
)


def insert_events(cursor: Any, users: int, number: int) -> None:
    # The key that Django's salted_hmac makes of its salt and the site's secret.
    key = hashlib.sha256(b"accounts.events" + settings.SECRET_KEY.encode()).hexdigest()
    attempts = int(number / STEPS_PER_ATTEMPT)
    cursor.execute(ATTEMPTS.format(days=DAYS, last_user=users - 1, number=attempts, key=key))
    columns = {
        "at": "at",
        "kind": "kind",
        "reason": "reason",
        "user_id": "u",
        "phone_key": "key",
        "phone": "phone",
        "country": "country",
        "device": "(ARRAY['iPhone','Chrome on Android','Firefox on Windows'])[1 + device]",
        "browser": "browser || browser",
        "network": "'203.0.113.0/24'",
        "reference": "left(ref, 3) || '-' || right(ref, 2)",
        "attempt": "attempt",
        "seconds": "seconds",
    }
    steps = " UNION ALL ".join(
        f"SELECT attempts.*, '{kind}' AS kind, {reason} AS reason, {at} AS at, {seconds} AS seconds"
        f" FROM attempts WHERE {condition}"
        for kind, reason, at, seconds, condition in STEPS
    )
    # In the order of time, as they would have come.
    source = f"FROM (SELECT * FROM ({steps}) AS every WHERE at <= now() ORDER BY at) AS steps"
    insert(cursor, SignInEvent, columns, source)
    somebody = User.objects.get(pk=SignInEvent.objects.order_by("-pk")[0].user_id)
    assert SignInEvent.objects.filter(phone_key=sign_ins.phone_key(somebody.phone)).exists()
