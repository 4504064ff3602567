"""Add what models cannot declare: triggers that protect events, and indexes for searches.

The database itself refuses to change sign-in events, whoever asks. On PostgreSQL it refuses to
delete them as well, except to accounts/events/retention.py, which says so in
its transaction. SQLite has no such word between a statement and a trigger, and is for one's own
machine: there only changes are refused.

PostgreSQL takes an index for the beginning of names only where it compares by bytes. Parts of names
need pg_trgm, which the owner of a database may add, and last digits of numbers are the first ones
read backwards. SQLite reads the table.
"""

from django.db import migrations

POSTGRESQL = """
CREATE FUNCTION accounts_events_are_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('accounts.purging', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'Sign-in events are never changed, and only removed by purge';
END
$$;
CREATE TRIGGER accounts_events_are_only_added
    BEFORE UPDATE OR DELETE ON accounts_signinevent
    FOR EACH ROW EXECUTE FUNCTION accounts_events_are_only_added();
CREATE INDEX users_by_name ON accounts_user (UPPER(name::text) text_pattern_ops);
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX users_by_part_of_name ON accounts_user
    USING gin (UPPER(name::text) gin_trgm_ops) WHERE name <> '';
CREATE INDEX users_by_last_digits ON accounts_user (REVERSE(phone::text) text_pattern_ops);
"""
POSTGRESQL_BACK = """
DROP INDEX users_by_last_digits;
DROP INDEX users_by_part_of_name;
DROP INDEX users_by_name;
DROP TRIGGER accounts_events_are_only_added ON accounts_signinevent;
DROP FUNCTION accounts_events_are_only_added();
"""
SQLITE = """
CREATE TRIGGER accounts_events_are_only_added BEFORE UPDATE ON accounts_signinevent
BEGIN
    SELECT RAISE(ABORT, 'Sign-in events are never changed');
END
"""
SQLITE_BACK = "DROP TRIGGER accounts_events_are_only_added"


def run(sql_by_vendor):
    def forwards_or_back(apps, schema_editor):
        if sql := sql_by_vendor.get(schema_editor.connection.vendor):
            # Without parameters, so that % is itself.
            schema_editor.execute(sql, params=None)

    return forwards_or_back


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunPython(
            run({"postgresql": POSTGRESQL, "sqlite": SQLITE}),
            run({"postgresql": POSTGRESQL_BACK, "sqlite": SQLITE_BACK}),
        )
    ]
