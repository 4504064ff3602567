"""The pages of exports: from a list to the file, for whoever made it."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts import exports
from accounts.exports import runs
from accounts.models import Export, Session, User
from tests.accounts.admin.pages import LIST, helper, right_to
from tests.accounts.exports.files import people
from tests.accounts.operators import make_operator
from tests.pages import plain, said, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

BEGIN = f"{LIST}export/"
EXPORTS = "/admin/accounts/export/"
_STEPS = ("go-on", "remove")


@pytest.fixture
def client() -> Client:
    return helper("export_lists")


@pytest.fixture
def operator(client) -> User:
    return User.objects.get(sub="sub-of-operator-7")


def page_of(export: Export) -> str:
    return f"{EXPORTS}{export.pk}/change/"


def file_of(export: Export) -> str:
    return f"{EXPORTS}{export.pk}/file/"


def begun(client: Client, query: str = "", form: str = "csv") -> Export:
    client.post(f"{BEGIN}?{query}", {"format": form})
    return Export.objects.latest("pk")


def half_done(by: User) -> Export:
    """An export of which one part is written, and that waits for the next try."""
    export = exports.start(by, "user", "csv", "")
    exports.work(export.pk, seconds=0)
    return Export.objects.get(pk=export.pk)


@pytest.fixture
def waiting(operator, monkeypatch) -> Export:
    monkeypatch.setattr(runs, "CHUNK", 3)
    people(8)
    return half_done(operator)


# From the list


@pytest.mark.parametrize(
    ("right", "address"),
    [
        ("view_user", LIST),
        ("view_signinevent", "/admin/accounts/signinevent/"),
        ("view_logentry", "/admin/auditlog/logentry/"),
    ],
)
def test_list_leads_to_its_export_for_who_has_the_right(right, address):
    page = plain(helper("export_lists", right).get(address, {"q": "Ana"}))
    assert f'href="{address}export/?q=Ana"' in page
    without = helper(right, number=8)
    assert "export/" not in plain(without.get(address))
    assert without.get(f"{address}export/").status_code == 403


def test_list_that_one_may_not_see_is_not_exported(client):
    address = "/admin/accounts/signinevent/export/"
    assert client.get(address).status_code == 403
    assert client.post(address, {"format": "csv"}).status_code == 403
    assert not Export.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_export_needs_a_code_that_was_typed_lately(client, method):
    Session.objects.update(confirmed_at=timezone.now() - timedelta(minutes=6))
    page = getattr(client, method)(BEGIN, {"format": "csv"})
    assert page.url.startswith("/accounts/confirm/?next=")
    assert not Export.objects.exists()


def test_page_says_what_will_be_in_the_file(client):
    people(3, is_active=False)
    page = plain(client.get(f"{BEGIN}?status=disabled&q=sub-00001"))
    assert "The list has 1 row now." in page
    assert "Filters: status: disabled here; search: sub-00001" in page
    assert "Numbers are masked in it." in page
    assert "no search: it is the whole list" in plain(client.get(BEGIN))
    whole = helper("export_lists", "view_phone", number=8)
    assert "Numbers of people are whole in it" in plain(whole.get(BEGIN))


def test_empty_list_is_not_exported(client):
    page = plain(client.get(f"{BEGIN}?status=disabled"))
    assert "Nothing fits this search with these filters." in page
    assert 'name="format"' not in page
    assert f'href="{LIST}?status=disabled"' in page


@pytest.mark.parametrize("query", ["phone__startswith=%2B1", "o=1", "p=7", "e=1", "next=//evil"])
def test_parameters_of_others_are_left_out(client, query):
    people(3)
    assert begun(client, query).query == ""


def test_query_that_the_database_cannot_read_leads_back(client):
    assert client.post(f"{BEGIN}?q=a%00b", {"format": "csv"}).url == LIST
    assert not Export.objects.exists()


def test_format_is_one_of_two(client):
    page = client.post(BEGIN, {"format": "exe"})
    assert "Select a valid choice" in plain(page)
    assert not Export.objects.exists()


# Written, and fetched


def test_file_is_written_after_the_answer_and_fetched(client, operator):
    people(3, is_active=False)
    page = client.post(f"{BEGIN}?status=disabled", {"format": "csv"}, follow=True)
    export = Export.objects.get()
    assert page.redirect_chain == [(page_of(export), 302)]
    shown = plain(page)
    assert "Finished" in shown
    assert "3 rows." in shown
    assert "status: disabled here" in shown
    assert f'href="{file_of(export)}"' in shown
    file = client.get(file_of(export))
    assert file["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in file["Cache-Control"]
    day = f"{export.finished_at:%Y-%m-%d}"
    assert file["Content-Disposition"] == f'attachment; filename="people-{day}.csv"'
    sent = b"".join(file.streaming_content).decode("utf-8-sig")
    assert [row["sub"] for row in csv.DictReader(io.StringIO(sent, ""))] == [
        "sub-00002",
        "sub-00001",
        "sub-00000",
    ]
    found = LogEntry.objects.get_for_object(export).order_by("pk")
    assert [entry.get_action_display() for entry in found] == ["create", "update", "access"]
    assert {entry.actor for entry in found} == {operator}
    assert "<dt>Downloads</dt><dd>1</dd>" in plain(client.get(page_of(export)))


def test_json_is_fetched_as_such(client):
    people(2, is_active=False)
    file = client.get(file_of(begun(client, "status=disabled", "json")))
    assert file["Content-Type"] == "application/json"
    assert len(json.loads(b"".join(file.streaming_content))) == 2


def test_log_of_changes_shows_the_export(client, operator):
    begun(client, "status=active")
    operator.user_permissions.add(*Permission.objects.filter(codename="view_logentry"))
    page = plain(client.get("/admin/auditlog/logentry/"))
    assert "update: export users (CSV)" in page
    assert "status=active" in page
    entry = LogEntry.objects.get_for_object(Export.objects.get()).latest("pk")
    page = plain(client.get(f"/admin/auditlog/logentry/{entry.pk}/change/"))
    assert "export users (CSV)" in page
    assert re.search(r"<th scope=\"row\">rows</th><td>–</td><td>1</td>", page)  # noqa: RUF001


def test_page_shows_progress_and_goes_on_behind_itself(client, waiting):
    page = plain(client.get(page_of(waiting)))
    assert re.search(r'<progress id="progress" max="10" value="3"></progress>', page)
    assert "3 of 10 rows written" in page
    assert f'<a href="{page_of(waiting)}">Look again</a>' in page
    assert "was ended" not in page
    assert "Finished" in plain(client.get(page_of(waiting)))


def test_page_without_a_count_shows_that_it_is_at_work(client, operator):
    export = exports.start(operator, "user", "csv", "")
    page = plain(client.get(page_of(export)))
    assert '<progress id="progress"></progress>' in page
    assert "The rows are being counted" in page


def test_page_of_a_killed_process_says_so_and_that_it_goes_on(client, waiting):
    Export.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    page = plain(client.get(page_of(waiting)))
    assert "The process that wrote it was ended" in page
    assert "Finished" in plain(client.get(page_of(waiting)))


def test_export_that_was_given_up_says_why_and_goes_on_by_a_button(client, waiting):
    Export.objects.update(state="stopped", problem="error")
    page = plain(client.get(page_of(waiting)))
    assert "It failed three times in a row." in page
    assert f'action="{EXPORTS}{waiting.pk}/go-on/"' in page
    client.get(f"{EXPORTS}{waiting.pk}/go-on/")
    assert Export.objects.get().state == "stopped"
    page = client.post(f"{EXPORTS}{waiting.pk}/go-on/", follow=True)
    assert "Finished" in plain(page)


def test_too_long_a_list_says_what_to_do(client, monkeypatch):
    monkeypatch.setattr(runs, "MOST", 2)
    people(3)
    page = plain(client.get(page_of(begun(client))))
    assert "narrow it down first" in page
    assert "Go on" not in page


def test_second_export_is_refused_while_one_runs(client, waiting):
    page = client.post(BEGIN, {"format": "csv"}, follow=True)
    assert said(page) == "An export of yours is under way. Wait for its end, or remove it."
    assert page.redirect_chain == [(EXPORTS, 302)]
    assert Export.objects.count() == 1
    Export.objects.update(state="stopped", problem="error")
    other = half_done(waiting.by)
    page = client.post(f"{EXPORTS}{waiting.pk}/go-on/", follow=True)
    assert "An export of yours is under way." in said(page)
    assert Export.objects.get(state="running") == other


def test_half_a_file_is_not_sent(client, waiting):
    assert client.get(file_of(waiting)).url == page_of(waiting)


@pytest.mark.parametrize("state", ["running", "done"])
def test_export_is_removed_by_its_button(client, waiting, state):
    if state == "done":
        exports.work(waiting.pk)
    address = f"{EXPORTS}{waiting.pk}/remove/"
    client.get(address)
    assert Export.objects.exists()
    page = client.post(address, follow=True)
    assert said(page) == "The export is removed."
    assert not Export.objects.exists()
    assert client.get(file_of(waiting)).status_code == 404


# For whom


def test_exports_are_for_whoever_made_them(client, waiting):
    exports.work(waiting.pk)
    boss = signed_in(make_operator(3, is_superuser=True))
    for address in (file_of(waiting), *(f"{EXPORTS}{waiting.pk}/{each}/" for each in _STEPS)):
        assert boss.get(address).status_code == 404
        assert boss.post(address).status_code == 404
    assert boss.get(page_of(waiting)).status_code == 302
    assert "There is nothing here yet." in plain(boss.get(EXPORTS))
    assert "users (CSV)" in plain(client.get(EXPORTS))
    assert Export.objects.exists()


def test_page_and_file_go_with_the_right_to_export(client, operator, waiting):
    exports.work(waiting.pk)
    operator.user_permissions.remove(right_to("export_lists"))
    for address in (EXPORTS, page_of(waiting), file_of(waiting)):
        assert client.get(address).status_code == 403
    assert client.post(f"{EXPORTS}{waiting.pk}/remove/").status_code == 403


def test_file_goes_with_the_right_to_see_the_list(client, operator, waiting):
    exports.work(waiting.pk)
    operator.user_permissions.remove(right_to("view_user"))
    assert client.get(file_of(waiting)).status_code == 403


def test_file_of_yesterday_is_gone_before_it_is_purged(client, waiting):
    exports.work(waiting.pk)
    Export.objects.update(expires_at=timezone.now())
    assert client.get(file_of(waiting)).status_code == 404
    assert "There is nothing here yet." in plain(client.get(EXPORTS))


def test_exports_are_not_typed_changed_or_removed_by_forms(client, waiting):
    assert client.get(f"{EXPORTS}add/").status_code == 403
    assert client.post(f"{EXPORTS}{waiting.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(page_of(waiting), {"state": "done"})
    assert Export.objects.get().rows in (3, 10)


def test_pages_obey_the_policy_and_name_nobody_whole(client, waiting):
    for address in (BEGIN, EXPORTS, page_of(waiting)):
        page = client.get(address)
        assert page.status_code == 200
        assert page["Content-Security-Policy"]
        assert not re.search(r"<style|\sstyle=|\son\w+=", page.content.decode())


def test_searched_number_is_no_longer_on_the_page_of_a_finished_export(client):
    User.objects.for_identity("sub-of-ada", "+12015550123")
    export = begun(client, "q=2015550123")
    assert export.rows == 1
    page = plain(client.get(page_of(export)))
    assert "2015550123" not in page
    assert "search: +1••••••••23" in page or "search: ••••••••23" in page
