"""Add indexes to the table of django-auditlog, for the searches and filters of the admin.

A part of an object's name needs pg_trgm, as the names of users do. SQLite reads the table.
"""

from django.db import migrations

BY_ACTOR = "CREATE INDEX entries_by_actor ON auditlog_logentry (actor_id, timestamp)"
BY_NAME = """
CREATE INDEX entries_by_part_of_name ON auditlog_logentry
    USING gin (UPPER(object_repr::text) gin_trgm_ops)
"""


def add(apps, schema_editor):
    schema_editor.execute(BY_ACTOR, params=None)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(BY_NAME, params=None)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX entries_by_part_of_name", params=None)
    schema_editor.execute("DROP INDEX entries_by_actor", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_events_are_only_added"),
        ("auditlog", "0017_add_actor_email"),
    ]

    operations = [migrations.RunPython(add, remove)]
