"""The e-mail address on the page of a person."""

import pytest

from accounts.models import Operation, SignInEvent, User
from tests.accounts.admin.pages import act_on, do, helper, page_of
from tests.accounts.operators import make_operator
from tests.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

ADDRESS = "ada@example.org"


@pytest.fixture(autouse=True)
def _site(pool, settings) -> None:
    settings.ACCOUNTS_EMAIL = True
    settings.TEXTS_FUNCTION = "texts"


@pytest.fixture
def person(pool, phone) -> User:
    sub = pool.register(phone)
    pool.attributes(sub).update(email=ADDRESS, email_verified="true")
    return User.objects.for_identity(sub, phone)


def test_page_shows_the_address_masked(admin, person):
    page = text(admin.get(page_of(person)))
    assert "the same code by e-mail, to a…@example.org" in page
    assert ADDRESS not in page


def test_address_that_was_not_proven_is_not_shown(admin, pool, person):
    pool.attributes(person.sub).update(email_verified="false")
    assert "by e-mail" not in text(admin.get(page_of(person)))


def test_operator_removes_it_and_it_is_written_down(admin, boss, pool, person):
    assert act_on("remove-email", person) in text(admin.get(page_of(person)))
    do(admin, "remove-email", person)
    # An attribute that is empty is none.
    assert not {"email", "email_verified"} & set(pool.attributes(person.sub))
    order = Operation.objects.get(kind="remove_email")
    assert (order.by, order.is_done) == (boss, True)
    event = SignInEvent.objects.latest("pk")
    assert (event.kind, event.reason, event.device) == ("email", "operator", "")
    assert "by e-mail" not in text(admin.get(page_of(person)))


def test_number_is_told_that_an_operator_removed_it(admin, pool, person):
    """Else it could be removed unseen, before a recovery of which it would be told."""
    do(admin, "remove-email", person)
    told = [(each["phone"], each["message"]) for each in pool.calls("tell")]
    assert told == [(person.phone, "email_changed")]
    # Repeated, it removes nothing.
    do(admin, "remove-email", person)
    assert len(pool.calls("tell")) == 1


def test_operator_needs_the_right(pool, person):
    other = helper("remove_passkey")
    assert act_on("remove-email", person) not in text(other.get(page_of(person)))
    assert do(other, "remove-email", person).status_code == 403
    do(helper("remove_email"), "remove-email", person)
    assert "email" not in pool.attributes(person.sub)


def test_operator_with_fewer_rights_leaves_that_of_a_superuser(pool, phone):
    sub = pool.register(phone)
    pool.attributes(sub).update(email=ADDRESS, email_verified="true")
    strong = make_operator(3, is_superuser=True)
    User.objects.filter(pk=strong.pk).update(sub=sub)
    strong.refresh_from_db()
    do(helper("remove_email"), "remove-email", strong)
    assert pool.attributes(sub)["email"] == ADDRESS


def test_there_is_no_such_action_where_the_stack_sends_no_mail(admin, person, settings):
    settings.ACCOUNTS_EMAIL = False
    page = text(admin.get(page_of(person)))
    assert act_on("remove-email", person) not in page
    assert "by e-mail" not in page
