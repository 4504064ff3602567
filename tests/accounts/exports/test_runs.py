"""Exports: whole, by steps that any process continues, once at a time, and for a day."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import exports
from accounts.events import retention, sign_ins
from accounts.exports import runs
from accounts.models import Export, ExportPart, SignInEvent, User
from tests.accounts.exports.files import exporter, people, rows_of, subs_of, text_of
from tests.accounts.operators import make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _parts_of_three_rows(monkeypatch) -> None:
    monkeypatch.setattr(runs, "CHUNK", 3)


@pytest.fixture
def by() -> User:
    return exporter()


def again(export: Export) -> Export:
    return Export.objects.get(pk=export.pk)


def made(by: User, query: str = "", form: str = "csv", of: str = "user") -> Export:
    export = exports.start(by, of, form, query)
    exports.work(export.pk)
    return again(export)


def a_step(by: User, query: str = "") -> Export:
    """An export after its first step."""
    export = exports.start(by, "user", "csv", query)
    exports.work(export.pk, seconds=0)
    return again(export)


# What the file has


def test_file_has_all_rows_of_the_list_newest_first(by):
    people(8)
    export = made(by)
    everybody = User.objects.order_by("-pk").values_list("sub", flat=True)
    assert subs_of(export) == list(everybody)
    assert (export.state, export.rows, export.total) == ("done", 10, 10)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6, 7])
def test_file_is_whole_with_any_number_of_rows(by, number):
    people(number, is_active=False)
    query = "status=disabled"
    wanted = list(
        User.objects.filter(is_active=False).order_by("-pk").values_list("sub", flat=True)
    )
    assert subs_of(made(by, query)) == wanted
    found = json.loads(text_of(made(by, query, "json")))
    assert [row["sub"] for row in found] == wanted


def test_search_counts_as_in_the_list(by):
    people(3)
    User.objects.filter(sub="sub-00001").update(name="Ada Byron")
    assert subs_of(made(by, "q=ada+by")) == ["sub-00001"]


def test_numbers_are_masked_unless_the_operator_sees_whole_ones(by):
    people(1)
    assert "+12015550000" not in text_of(made(by))
    assert "'+1••••••••00" in text_of(made(by))
    assert "'+12015550000" in text_of(made(exporter("view_phone", number=2)))


def test_part_of_a_number_finds_nobody_for_who_may_not_see_it(by):
    people(4)
    assert subs_of(made(by, "q=%2B1201555")) == []
    assert len(subs_of(made(exporter("view_phone", number=2), "q=%2B1201555"))) == 4


def test_facts_of_a_person_are_those_of_the_list(by):
    at = timezone.now()
    people(1, name="Ana", is_active=False, sharing=2, last_login=at, held_until=at)
    found = rows_of(made(by, "status=disabled"))[0]
    assert found == {
        "sub": "sub-00000",
        "name": "Ana",
        "number": "'+1••••••••00",
        "status": "disabled here",
        "operator": "",
        "sharing": "likely",
        "internet_phone": "false",
        "held_until": "",
        "last_sign_in": at.isoformat(timespec="seconds"),
    }


def test_events_of_one_moment_are_each_there_once(by):
    by = exporter("view_signinevent", number=2)
    at = timezone.now()
    for n in range(8):
        SignInEvent.objects.create(
            kind="sent", at=at - timedelta(seconds=n // 5), reference=f"A{n}"
        )
    SignInEvent.objects.create(kind="failed", reason="expired", reference="B")
    found = rows_of(made(by, "kind__exact=sent", of="signinevent"))
    newest = SignInEvent.objects.filter(kind="sent").order_by("-at", "-pk")
    assert [row["reference"] for row in found] == [event.reference for event in newest]
    assert {row["event"] for row in found} == {"sent"}


def test_event_of_somebody_who_is_gone_says_so():
    by = exporter("view_signinevent", number=2)
    gone = User.objects.for_identity("sub-of-somebody", "+12015550123")
    SignInEvent.objects.create(
        kind="sent", user=gone, phone="+1••••••••23", phone_key=sign_ins.phone_key(gone.phone)
    )
    gone.delete()
    [row] = rows_of(made(by, of="signinevent"))
    assert (row["person"], row["sub"], row["number"]) == ("removed", "", "'+1••••••••23")


def test_log_of_changes_is_exported():
    by = exporter("view_logentry", number=2)
    person = User.objects.for_identity("sub-of-somebody", None)
    person.name = "Ana"
    person.save()
    found = rows_of(made(by, "action__exact=1", of="logentry"))
    assert found[0]["action"] == "update"
    assert found[0]["changes"] == "name: Ana"


def test_results_of_a_search_in_the_log_of_changes_are_each_there_once():
    """They are sorted by their key, not by time as the whole list is."""
    by = exporter("view_logentry", number=2)
    person = User.objects.for_identity("sub-of-ada", None)
    for n in range(8):
        person.name = f"Ada {n}"
        person.save()
    now = timezone.now()
    found = LogEntry.objects.get_for_object(person)
    for n, entry in enumerate(found.order_by("pk")):
        LogEntry.objects.filter(pk=entry.pk).update(timestamp=now - timedelta(hours=n * 5 % 7))
    exported = rows_of(made(by, "q=sub-of-ada", of="logentry"))
    assert len(exported) == found.count() > 8
    assert {row["changes"] for row in exported} >= {"name: Ada 6 → Ada 7", "name: Ada 0 → Ada 1"}


def test_days_are_those_of_the_operators_page():
    by = exporter("view_logentry", number=2)
    User.objects.filter(pk=by.pk).update(time_zone="Pacific/Auckland")
    LogEntry.objects.all().delete()
    person = User.objects.for_identity("sub-of-ada", None)
    LogEntry.objects.get_for_object(person).update(timestamp=datetime(2026, 1, 1, 20, tzinfo=UTC))
    by = User.objects.get(pk=by.pk)
    assert len(rows_of(made(by, "from=2026-01-02&to=2026-01-02", of="logentry"))) == 1
    assert not rows_of(made(by, "from=2026-01-01&to=2026-01-01", of="logentry"))


def test_file_is_in_one_language_whichever_process_writes_it(by, settings):
    people(1, is_active=False)
    settings.LANGUAGE_CODE = "de"
    assert rows_of(made(by, "status=disabled"))[0]["status"] == "disabled here"


def test_long_list_is_read_a_part_at_a_time(by):
    people(60)
    export = exports.start(by, "user", "csv", "")
    with CaptureQueriesContext(connection) as captured:
        exports.work(export.pk)
    whole_rows = [
        query["sql"]
        for query in captured
        if "held_until" in query["sql"] and 'FROM "accounts_user"' in query["sql"]
    ]
    assert len(whole_rows) > 20
    assert all("LIMIT" in sql for sql in whole_rows)
    assert max(len(part.text) for part in export.parts.all()) < 400


# How it is written


def test_each_try_goes_on_where_the_last_one_stopped(by):
    people(8)
    whole = text_of(made(by))
    export = a_step(by)
    assert (export.state, export.rows, export.lease_until) == ("running", 3, None)
    while again(export).is_running:
        exports.work(export.pk, seconds=0)
    assert text_of(export) == whole


def test_process_that_is_killed_leaves_what_says_so_and_goes_on(by):
    people(8)
    whole = text_of(made(by))
    export = a_step(by)
    Export.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert again(export).is_interrupted
    exports.work(export.pk)
    assert again(export).is_done
    assert text_of(export) == whole


def test_process_that_dies_in_a_step_leaves_none_of_it(by):
    people(8)
    export = a_step(by)

    def dies(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "accounts_exportpart"'):
            raise KeyboardInterrupt
        return execute(sql, params, many, context)

    with pytest.raises(KeyboardInterrupt), connection.execute_wrapper(dies):
        exports.work(export.pk)
    assert (again(export).rows, export.parts.count()) == (3, 1)
    assert again(export).lease_until > timezone.now()


def test_nobody_writes_while_another_process_does(by):
    people(4)
    export = a_step(by)
    Export.objects.update(lease_until=timezone.now() + timedelta(seconds=20))
    exports.work(export.pk)
    assert exports.run_due(seconds=5) == 0
    assert again(export).rows == 3
    assert not again(export).is_interrupted


def test_export_that_is_removed_meanwhile_is_left_alone(by):
    people(8)
    export = a_step(by)

    def removes(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "accounts_exportpart"'):
            pytest.fail("A part was written for nobody.")
        if "LIMIT 3" in sql:
            Export.objects.all().delete()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(removes):
        exports.work(export.pk)
    assert not ExportPart.objects.exists()


def test_command_writes_what_pages_have_left(by):
    people(8)
    export = a_step(by)
    call_command("run_operations", verbosity=0, stdout=None)
    assert again(export).is_done


def test_export_that_fails_again_and_again_is_given_up_until_somebody_lets_it_go_on(by):
    people(8)
    whole = text_of(made(by))
    export = a_step(by)

    def fails(execute, sql, params, many, context):
        if "LIMIT 3" in sql:
            raise OperationalError("canceling statement due to statement timeout")
        return execute(sql, params, many, context)

    for state in ("running", "running", "stopped"):
        with connection.execute_wrapper(fails):
            exports.work(export.pk)
        assert again(export).state == state
    assert again(export).problem == "error"
    exports.work(export.pk)
    assert again(export).rows == 3
    exports.go_on(export)
    exports.work(export.pk)
    assert text_of(export) == whole


def test_failures_count_in_a_row_only(by):
    people(8)
    export = a_step(by)
    Export.objects.update(failures=2)
    exports.work(export.pk, seconds=0)
    assert again(export).failures == 0


def test_too_long_a_list_is_refused_before_a_row_is_read(by, monkeypatch):
    monkeypatch.setattr(runs, "MOST", 3)
    people(4)
    export = made(by)
    assert (export.state, export.problem, export.rows) == ("stopped", "too_many", 0)


# For whom, and when


def test_operator_has_one_under_way_at_a_time(by):
    people(4)
    export = a_step(by)
    with pytest.raises(exports.AlreadyRunning):
        exports.start(by, "user", "csv", "")
    exports.start(exporter(number=2), "user", "csv", "")
    exports.work(export.pk)
    exports.start(by, "user", "csv", "")


def test_one_that_was_given_up_does_not_go_on_while_another_does(by):
    people(4)
    export = a_step(by)
    Export.objects.update(state="stopped", problem="error")
    exports.start(by, "user", "csv", "")
    with pytest.raises(exports.AlreadyRunning):
        exports.go_on(export)


@pytest.mark.parametrize("lost", ["export_lists", "view_user"])
def test_export_ends_with_the_right_to_it(by, lost):
    people(8)
    export = a_step(by)
    by.user_permissions.remove(Permission.objects.get(codename=lost))
    exports.work(export.pk)
    assert (again(export).state, again(export).problem) == ("stopped", "rights")
    assert again(export).rows == 3
    assert not exports.may_have(export, User.objects.get(pk=by.pk))


@pytest.mark.parametrize("change", [{"is_staff": False}, {"is_active": False}], ids=str)
def test_export_ends_with_its_operator(by, change):
    people(8)
    export = a_step(by)
    User.objects.filter(pk=by.pk).update(**change)
    exports.work(export.pk)
    assert again(export).problem == "rights"


def test_no_file_has_masked_and_whole_numbers(by):
    people(8)
    export = a_step(by)
    by.user_permissions.add(Permission.objects.get(codename="view_phone"))
    exports.work(export.pk)
    assert again(export).problem == "rights"
    assert "+1201555" not in text_of(export)


def test_whole_numbers_are_no_longer_had_without_the_right():
    by = exporter("view_phone")
    people(1)
    export = made(by)
    assert exports.may_have(export, by)
    by.user_permissions.remove(Permission.objects.get(codename="view_phone"))
    assert not exports.may_have(export, User.objects.get(pk=by.pk))


def test_nobody_else_may_have_the_file(by):
    export = made(by)
    assert not exports.may_have(export, make_operator(5, is_superuser=True))


def test_file_goes_after_a_day_finished_or_not(by):
    people(4)
    made(by)
    a_step(exporter(number=2))
    retention.purge(timezone.now() + timedelta(hours=23, minutes=59))
    assert Export.objects.count() == 2
    retention.purge(timezone.now() + timedelta(hours=24, minutes=1))
    assert not Export.objects.exists()
    assert not ExportPart.objects.exists()


def test_one_that_is_too_old_is_no_longer_written_and_blocks_no_other(by):
    people(4)
    export = a_step(by)
    Export.objects.update(expires_at=timezone.now())
    exports.work(export.pk)
    assert again(export).rows == 3
    exports.start(by, "user", "csv", "")


def test_file_goes_with_its_operator(by):
    made(by)
    by.delete()
    assert not ExportPart.objects.exists()


def test_file_that_is_removed_while_it_is_sent_breaks_off(by):
    people(8)
    export = made(by)
    parts = exports.file_of(export)
    next(parts)
    exports.remove(export)
    with pytest.raises(runs.Overtaken):
        list(parts)


# What is written down of it


def entries(export: Export) -> list[tuple[str, dict[str, str]]]:
    found = LogEntry.objects.get_for_object(export).order_by("pk")
    assert {entry.actor_id for entry in found} <= {export.by_id, None}
    return [
        (
            str(entry.get_action_display()),
            {name: after for name, (_, after) in entry.changes.items()},
        )
        for entry in found
    ]


def test_audit_log_says_what_was_exported_and_fetched(by):
    people(4, is_active=False)
    export = made(by, "status=disabled")
    list(exports.file_of(export))
    facts = {
        "list_name": "user",
        "format": "csv",
        "query": "status=disabled",
        "whole_numbers": "False",
    }
    assert entries(export) == [
        ("create", facts),
        ("update", {**facts, "rows": "4"}),
        ("access", {**facts, "rows": "4"}),
    ]
    exports.remove(export)
    assert LogEntry.objects.filter(object_pk=str(export.pk), action=2).count() == 1


@pytest.mark.parametrize("typed", ["%2B12015550123", "2015550123", "(201)+555-0123", "5550123"])
def test_searched_number_is_masked_wherever_it_is_written_down(by, typed, monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger("accounts"), "propagate", True)
    with caplog.at_level(logging.INFO, "accounts"):
        export = made(by, f"q={typed}")
    for written in (export.query, str(entries(export)), caplog.text):
        assert "5550123" not in written
        assert "555-0123" not in written
    assert "23" in entries(export)[0][1]["query"]
    assert "•" in entries(export)[0][1]["query"]


def test_line_of_the_log_says_who_what_and_how_much(by, monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger("accounts"), "propagate", True)
    User.objects.filter(pk=by.pk).update(name="Ana")
    people(4, is_active=False)
    with caplog.at_level(logging.INFO, "accounts"):
        export = made(User.objects.get(pk=by.pk), "status=disabled&q=sub-00001")
    assert caplog.messages[-1] == (
        f"Export {export.pk} finished by Ana: user as csv, 1 rows, masked numbers, "
        "filters: status=disabled, q=sub-00001"
    )
