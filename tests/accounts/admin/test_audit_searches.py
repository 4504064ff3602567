"""Searches and filters of the audit log, and the page of an entry."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from accounts import operations
from accounts.events import audit
from accounts.models import Operation, User
from accounts.operations.queue import Kind
from tests.accounts.admin.pages import ENTRIES, do, helper, page_of
from tests.accounts.operators import make_operator
from tests.pages import signed_in, text

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.pages,
    pytest.mark.usefixtures("everybody"),
]


@pytest.fixture
def ada() -> User:
    user = User.objects.for_identity("sub-of-ada", "+12015550142")
    user.name = "Ada Byron"
    user.save()
    return user


@pytest.fixture
def grace() -> User:
    user = User.objects.for_identity("sub-of-grace", "+12015550177")
    user.name = "Grace Hopper"
    user.save()
    return user


def found(client, **asked) -> list[LogEntry]:
    page = client.get(ENTRIES, asked)
    assert page.status_code == 200, page
    return list(page.context["cl"].result_list)


def things(entries: list[LogEntry]) -> set[str]:
    return {entry.object_repr.partition(": ")[2] or entry.object_repr for entry in entries}


@pytest.mark.parametrize(
    "term", ["Ada", "byron", "+12015550142", "(201) 555-0142", "0142", "sub-of-ada", " Ada Byron "]
)
def test_entries_are_found_by_whom_they_are_about(admin, ada, grace, term):
    do(admin, "disable", ada)
    do(admin, "disable", grace)
    entries = found(admin, q=term)
    assert {entry.content_type.model for entry in entries} == {"user", "operation"}
    # Her entry from before she had a name has her number.
    assert things(entries) == {"Ada Byron", "+1••••••••42"}


def test_group_is_found_by_a_part_of_its_name(admin, ada):
    Group.objects.create(name="Treasurers of Paris")
    [entry] = found(admin, q="paris")
    assert (entry.content_type.model, entry.object_repr) == ("group", "Treasurers of Paris")


def test_account_that_was_deleted_is_found_by_its_sub(admin, ada, grace):
    do(admin, "delete", ada)
    assert not User.objects.filter(sub="sub-of-ada").exists()
    entries = found(admin, q="sub-of-ada")
    assert {(each.content_type.model, each.action) for each in entries} >= {("user", 2)}
    assert "Grace Hopper" not in things(entries)


def test_part_of_a_number_finds_nothing_for_who_may_not_see_it(ada):
    client = helper("view_logentry")
    assert found(client, q="0142") == []
    assert found(client, q="+1201555014") == []
    assert found(client, q="+12015550142")
    assert "5550142" not in text(client.get(ENTRIES))


@pytest.mark.parametrize("term", ["zzz", "+12015550111", "0", "%", "é"])
def test_nothing_found_is_said_so(admin, ada, term):
    page = admin.get(ENTRIES, {"q": term})
    assert "Nothing fits this search with these filters." in text(page)


def test_empty_log_says_what_would_be_there(admin):
    LogEntry.objects.all().delete()
    assert "Nothing was changed yet. Each change of an account" in text(admin.get(ENTRIES))


# By whom


def test_entries_are_filtered_by_who_made_them(admin, boss, ada, grace):
    other = helper("disable_user")
    do(other, "disable", ada)
    do(admin, "disable", grace)
    them = User.objects.get(sub="sub-of-operator-7")
    page = admin.get(ENTRIES)
    assert f'href="?by={them.pk}"' in text(page)
    assert things(found(admin, by=them.pk)) == {"Ada Byron"}
    assert things(found(admin, by=boss.pk)) == {"Grace Hopper"}
    # Nobody is signed in where accounts are made by the tests.
    assert not any(entry.actor_id for entry in found(admin, by="-"))


def test_operator_who_is_none_any_more_can_be_asked_for(admin, boss, ada, grace):
    do(helper("disable_user"), "disable", ada)
    them = User.objects.get(sub="sub-of-operator-7")
    User.objects.filter(pk=them.pk).update(is_staff=False)
    assert f'href="?by={them.pk}"' not in text(admin.get(ENTRIES))
    page = admin.get(ENTRIES, {"by": them.pk})
    filters = text(page).partition('id="changelist-filter"')[2]
    assert 'class="selected"' in filters.partition(str(them))[0][-200:]
    assert things(list(page.context["cl"].result_list)) == {"Ada Byron"}


def test_filter_names_nobody_to_who_may_not_see_people(boss, ada, grace):
    """The numbers of rows could be gone through one by one."""
    LogEntry.objects.all().delete()
    with audit.acting(grace):
        audit.note(boss, {"session": ["phone", "ended"]})
    auditor = make_operator(9)
    auditor.user_permissions.set(Permission.objects.filter(codename="view_logentry"))
    client = signed_in(auditor)
    assert ada.name not in text(client.get(ENTRIES, {"by": ada.pk}))
    # Names that are in the log are shown here as well.
    assert f">{grace.name}</a>" in text(client.get(ENTRIES, {"by": grace.pk}))
    seeing = helper("view_logentry")
    assert f">{ada.name}</a>" in text(seeing.get(ENTRIES, {"by": ada.pk}))


def test_page_of_a_person_leads_to_all_about_them_and_by_them(admin, boss, ada):
    do(admin, "disable", ada)
    page = text(admin.get(page_of(ada)))
    assert f'href="{ENTRIES}?q=sub-of-ada"' in page
    assert f"?by={ada.pk}" not in page
    assert f'href="{ENTRIES}?by={boss.pk}"' in text(admin.get(page_of(boss)))
    assert ENTRIES not in text(helper().get(page_of(ada)))


# By date


def entry_at(user: User, at: datetime) -> LogEntry:
    audit.note(user, {"name": ["a", "b"]})
    entry = LogEntry.objects.latest("pk")
    LogEntry.objects.filter(pk=entry.pk).update(timestamp=at)
    return entry


def test_entries_are_filtered_by_days_of_the_operators_time_zone(admin, boss, ada):
    LogEntry.objects.all().delete()
    late = entry_at(ada, datetime(2026, 3, 10, 23, 30, tzinfo=UTC))
    early = entry_at(ada, datetime(2026, 3, 11, 0, 30, tzinfo=UTC))
    assert found(admin, **{"from": "2026-03-11"}) == [early]
    assert found(admin, to="2026-03-10") == [late]
    assert found(admin, **{"from": "2026-03-10", "to": "2026-03-11"}) == [early, late]
    assert found(admin, **{"from": "2026-03-12", "to": ""}) == []
    User.objects.filter(pk=boss.pk).update(time_zone="Europe/Paris")
    assert found(admin, **{"from": "2026-03-11"}) == [early, late]
    assert found(admin, to="2026-03-10") == []


def test_search_person_and_date_narrow_down_together_and_stay_in_links(admin, boss, ada, grace):
    do(admin, "disable", ada)
    do(admin, "disable", grace)
    today = timezone.localdate().isoformat()
    asked = {"q": "Ada", "by": boss.pk, "from": today, "to": today}
    assert things(found(admin, **asked)) == {"Ada Byron"}
    assert found(admin, **{**asked, "to": "2020-01-01", "from": "2020-01-01"}) == []
    page = text(admin.get(ENTRIES, asked))
    form = page.partition('class="dates"')[2].partition("</form>")[0]
    assert 'name="q" value="Ada"' in form
    assert f'name="by" value="{boss.pk}"' in form
    assert form.count(f'value="{today}"') == 2
    search = page.partition('id="changelist-search"')[2].partition("</form>")[0]
    assert f'name="from" value="{today}"' in search


def test_links_of_the_date_end_today(admin, ada):
    LogEntry.objects.all().delete()
    old = entry_at(ada, timezone.now() - timedelta(days=20))
    today = entry_at(ada, timezone.now())
    page = text(admin.get(ENTRIES))
    week = (timezone.localdate() - timedelta(days=6)).isoformat()
    month = (timezone.localdate() - timedelta(days=29)).isoformat()
    for day in (week, month):
        assert f'href="?from={day}"' in page
    assert found(admin, **{"from": week}) == [today]
    assert found(admin, **{"from": month}) == [today, old]


@pytest.mark.parametrize(
    "query",
    ["from=x", "to=2026-02-30", "from=9999-12-31", "to=0001-01-01", "from=%00", "by=x", "by=%00"],
)
def test_what_cannot_be_read_shows_the_list_without_filters(admin, ada, query):
    page = admin.get(f"{ENTRIES}?{query}", follow=True)
    assert page.status_code == 200
    assert "e=1" in page.request["QUERY_STRING"]


def test_columns_that_are_no_filter_stay_closed(admin, ada):
    assert admin.get(f"{ENTRIES}?changes__icontains=a").status_code == 400


def test_log_takes_the_same_queries_at_any_length(admin, ada, django_assert_num_queries):
    asked = {"q": "Ada", "from": "2026-01-01"}
    admin.get(ENTRIES, asked)
    with django_assert_num_queries(9):
        admin.get(ENTRIES, asked)
    for _ in range(40):
        entry_at(ada, timezone.now())
    with django_assert_num_queries(9):
        admin.get(ENTRIES, asked)


# One entry


def test_page_of_an_entry_says_it_in_words(admin, boss, ada):
    do(admin, "disable", ada)
    changed = (
        LogEntry.objects.get_for_object(ada).filter(action=1, changes__has_key="is_active").get()
    )
    page = text(admin.get(f"{ENTRIES}{changed.pk}/change/"))
    assert "Update: user Ada Byron" in page
    assert f"By {boss}, on " in page
    assert f'href="{page_of(ada)}"' in page
    assert f'href="{page_of(boss)}"' in page
    assert "127.0.0.0/24" in page
    rows = page.partition("<tbody>")[2].partition("</tbody>")[0]
    assert '<th scope="row">active</th><td>yes</td><td>no</td>' in " ".join(rows.split())


def test_page_of_an_operation_has_its_kind_in_words(admin, ada):
    order = operations.perform(Kind.SIGN_OUT, ada, by=None)
    made = LogEntry.objects.get_for_object(order).filter(action=0).get()
    page = text(admin.get(f"{ENTRIES}{made.pk}/change/"))
    assert "<td>sign out everywhere</td>" in page
    assert f'href="{ENTRIES}?q=sub-of-ada"' in page


def test_page_of_an_entry_links_to_nothing_that_is_gone_or_not_for_this_operator(admin, ada):
    do(admin, "delete", ada)
    gone = LogEntry.objects.filter(content_type__model="user", action=2).latest("pk")
    page = admin.get(f"{ENTRIES}{gone.pk}/change/")
    assert page.status_code == 200
    assert page_of(ada) not in text(page)
    reader = make_operator(9)
    log = Permission.objects.filter(content_type__app_label="auditlog")
    reader.user_permissions.set(log.filter(codename="view_logentry"))
    client = signed_in(reader)
    for entry in LogEntry.objects.filter(object_pk__isnull=False)[:3]:
        page = text(client.get(f"{ENTRIES}{entry.pk}/change/"))
        assert not re.search("/admin/accounts/[a-z]+/[0-9]+/change/", page)


def test_entry_of_an_operation_whose_account_is_gone_can_be_read(admin):
    order = Operation.objects.create(kind="disable", user_id=424242, who="somebody")
    entry = LogEntry.objects.get_for_object(order).get()
    assert admin.get(f"{ENTRIES}{entry.pk}/change/").status_code == 200
