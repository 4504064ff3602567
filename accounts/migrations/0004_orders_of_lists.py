"""Add the index by which the admin sorts people by their last sign-in, and filters by it.

Models cannot declare it for SQLite, which takes no NULLS LAST in an index. It is instead of one on
the time alone: each sign-in writes to it, so there is no second one.
"""

from django.db import migrations

POSTGRESQL = """
CREATE INDEX users_by_last_login ON accounts_user (last_login DESC NULLS LAST, id DESC)
"""
SQLITE = "CREATE INDEX users_by_last_login ON accounts_user (last_login DESC, id DESC)"
BACK = "DROP INDEX users_by_last_login"


def add(apps, schema_editor):
    schema_editor.execute(SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL)


def remove(apps, schema_editor):
    schema_editor.execute(BACK)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_searches_of_the_audit_log")]

    operations = [migrations.RunPython(add, remove)]
