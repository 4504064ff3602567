"""The queue of people who have the number of a dormant account."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import RequestFactory
from django.utils import timezone

from accounts import operations
from accounts.models import Operation, Return, SignInEvent, User
from accounts.operations import returns
from tests.accounts.admin.pages import helper
from tests.accounts.operators import again, make_operator
from tests.fakes.user_pool import OUTAGE
from tests.pages import said, text

pytestmark = [pytest.mark.django_db, pytest.mark.pages, pytest.mark.usefixtures("everybody")]

LIST = "/admin/accounts/return/"


@pytest.fixture
def sleeper(person, pool) -> User:
    pool.add(person.sub, person.phone)
    User.objects.filter(pk=person.pk).update(last_login=timezone.now() - timedelta(days=500))
    return again(person)


def wait(user: User, kind: str = "owner", **facts) -> Return:
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.9")
    return returns.ask(
        Return.Kind(kind), user, by=request, phone=user.phone, reference="K7F-2Q", **facts
    )


def decide(client, name: str, *rows: Return):
    ids = ",".join(str(row.pk) for row in rows)
    return client.post(f"{LIST}{name}/", {"ids": ids}, follow=True)


def test_list_names_who_waits_without_the_whole_number(admin, sleeper):
    wait(sleeper)
    page = text(admin.get(LIST))
    assert "K7F-2Q" in page
    assert "says that it is their account" in page
    assert sleeper.phone not in page


def test_list_without_anybody_is_there(admin):
    assert admin.get(LIST).status_code == 200


def test_reference_is_found_however_it_is_typed(admin, sleeper):
    wait(sleeper)
    assert "says that it is their account</td>" in text(admin.get(LIST, {"q": " k7f2q"}))
    assert "says that it is their account</td>" not in text(admin.get(LIST, {"q": "AAA-AA"}))


def test_page_of_one_shows_it_and_changes_nothing(admin, sleeper):
    row = wait(sleeper)
    page = admin.get(f"{LIST}{row.pk}/change/")
    assert "K7F-2Q" in text(page)
    assert "203.0.113.0/24" in text(page)
    assert admin.post(f"{LIST}{row.pk}/change/", {"state": "approved"}).status_code == 403


def test_approval_is_asked_about_and_written_down(admin, boss, sleeper):
    row = wait(sleeper)
    chosen = {"action": "approve_chosen", "_selected_action": row.pk}
    assert "ask for something that only the owner knows" in text(
        admin.post(LIST, chosen, follow=True)
    )
    assert "1 is decided." in said(decide(admin, "approve", row))
    row.refresh_from_db()
    assert (row.state, row.decided_by) == ("approved", str(boss))
    assert row.opens_until > timezone.now() + timedelta(days=6)
    event = SignInEvent.objects.get(kind="dormant", reason="approved")
    assert (event.user, event.reference) == (sleeper, "K7F-2Q")
    assert "approved" in text(admin.get(f"/admin/accounts/user/{sleeper.pk}/change/"))


def test_refused_one_stays_closed(admin, sleeper):
    row = wait(sleeper)
    decide(admin, "refuse", row)
    row.refresh_from_db()
    assert (row.state, row.opens_until) == ("refused", None)
    assert "None of these people is waiting" in said(decide(admin, "approve", row))


def test_operator_without_the_right_decides_nothing(sleeper):
    row = wait(sleeper)
    client = helper("view_return")
    assert client.get(LIST).status_code == 200
    assert decide(client, "approve", row).status_code == 403
    assert Return.objects.get().state == "waiting"


def test_nobody_opens_an_account_with_more_rights_than_their_own(sleeper):
    sleeper.user_permissions.add(Permission.objects.get(codename="delete_user"))
    row = wait(sleeper)
    page = decide(helper("view_return", "decide_return"), "approve", row)
    assert "0 are decided." in said(page)
    assert Return.objects.get().state == "waiting"


def test_approval_frees_the_number_for_the_account_that_wants_it(admin, pool, sleeper):
    other = User.objects.for_identity("sub-of-another", "+12025550187")
    phone = sleeper.phone
    decide(admin, "approve", wait(sleeper, "move", other=other))
    assert again(sleeper).phone is None
    assert Return.objects.get().state == "approved"
    assert not returns.opens(sleeper, Return.objects.get().browser)
    done = operations.perform(
        Operation.Kind.CHANGE_NUMBER, other, by=other, phone=phone, verified=True
    )
    assert done.is_done


def test_number_of_an_account_that_was_used_since_is_not_freed(admin, pool, sleeper):
    row = wait(sleeper, "move", other=make_operator(3))
    User.objects.filter(pk=sleeper.pk).update(last_login=timezone.now())
    page = decide(admin, "approve", row)
    assert "Somebody has used the account since." in said(page)
    assert Return.objects.get().state == "waiting"
    assert again(sleeper).phone


def test_number_is_freed_later_where_cognito_is_away(admin, pool, sleeper):
    pool.fails("AdminUpdateUserAttributes", OUTAGE)
    decide(admin, "approve", wait(sleeper, "move"))
    assert Return.objects.get().state == "approved"
    assert Operation.objects.get().state == "waiting"


def test_old_returns_are_purged_with_events(sleeper):
    from accounts.events import retention

    row = wait(sleeper)
    Return.objects.filter(pk=row.pk).update(asked_at=timezone.now() - timedelta(days=181))
    retention.purge(timezone.now())
    assert not Return.objects.exists()
