"""The index by which the admin finds people by how their name begins.

PostgreSQL takes an index for that only where it compares by bytes, which models cannot say of an
expression. SQLite is for one's own machine, and reads the table.
"""

from django.db import migrations


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX users_by_name ON accounts_user (UPPER(name::text) text_pattern_ops)"
        )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX users_by_name")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_indexes_of_lists")]

    operations = [migrations.RunPython(make, drop)]
