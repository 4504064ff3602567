"""The type of a number on the page of a person, and letting it sign in all the same."""

import pytest
from auditlog.models import LogEntry
from django.utils import timezone

from accounts.models import User
from tests.accounts.admin.pages import LIST, helper, page_of
from tests.pages import said, text

pytestmark = [pytest.mark.django_db, pytest.mark.pages, pytest.mark.usefixtures("everybody")]


@pytest.fixture
def caller(person, settings) -> User:
    """Somebody with an internet phone, under the policy that refuses it."""
    settings.ACCOUNTS_SHARING_POLICY = "strict"
    facts = {"number_type": "VOIP", "number_type_of": person.phone}
    User.objects.filter(pk=person.pk).update(number_type_at=timezone.now(), **facts)
    person.refresh_from_db()
    return person


def allow(person: User) -> str:
    return f"{LIST}{person.pk}/number/"


def test_page_and_list_say_what_the_carrier_says(admin, caller):
    page = text(admin.get(page_of(caller)))
    assert "internet phone" in page
    assert "The sharing policy refuses it." in page
    assert "internet phone" in text(admin.get(LIST))


def test_page_says_nothing_of_another_number(admin, caller):
    User.objects.filter(pk=caller.pk).update(number_type_of="+12015550199")
    assert "internet phone" not in text(admin.get(page_of(caller)))


def test_operator_allows_a_number_and_refuses_it_again(admin, caller):
    assert "may sign in" in said(admin.post(allow(caller), {"allowed": "true"}, follow=True))
    assert "refuses it" not in text(admin.get(page_of(caller)))
    assert "refused again" in said(admin.post(allow(caller), {"allowed": "false"}, follow=True))
    assert "refuses it" in text(admin.get(page_of(caller)))
    changes = [each.changes for each in LogEntry.objects.all() if "number_allowed" in each.changes]
    assert len(changes) == 2


def test_operator_needs_the_right(caller):
    assert helper("view_phone").post(allow(caller), {"allowed": "true"}).status_code == 403
    caller.refresh_from_db()
    assert not caller.number_allowed
    assert helper("unlock_user").post(allow(caller), {"allowed": "true"}).status_code == 302


def test_nobody_is_not_found(admin):
    assert admin.post(f"{LIST}999999/number/").status_code == 404
