"""The second number on the page of a person."""

import pytest

from accounts.models import Operation, SignInEvent, User
from accounts.models.statements import update
from tests.accounts.admin.pages import act_on, do, helper, page_of
from tests.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

SECOND = "+12025550144"


@pytest.fixture(autouse=True)
def _site(pool, settings) -> None:
    pool.proves_itself(settings)
    settings.TEXTS_FUNCTION = "texts"
    settings.ACCOUNTS_SECOND_NUMBER = True
    pool.functions["forget_second_number"] = lambda _: {}


@pytest.fixture
def person(pool, phone) -> User:
    user = User.objects.for_identity(pool.register(phone), phone)
    update(User, {"id": user.pk}, {"second_phone": SECOND})
    user.second_phone = SECOND
    return user


def test_page_shows_it_masked(admin, person):
    page = text(admin.get(page_of(person)))
    assert "code by text to a second number, " in page
    assert SECOND not in page


def test_operator_removes_it_and_it_is_written_down(admin, boss, pool, person):
    assert act_on("remove-second-number", person) in text(admin.get(page_of(person)))
    do(admin, "remove-second-number", person)
    assert [each["user"] for each in pool.calls("forget_second_number")] == [person.sub]
    person.refresh_from_db()
    assert person.second_phone == ""
    order = Operation.objects.get(kind="remove_second_number")
    assert (order.by, order.is_done) == (boss, True)
    event = SignInEvent.objects.latest("pk")
    assert (event.kind, event.reason) == ("second_number", "operator")
    page = text(admin.get(page_of(person)))
    assert "second number, " not in page
    assert act_on("remove-second-number", person) not in page


def test_both_numbers_are_told_that_an_operator_removed_it(admin, pool, person):
    """Else it could be removed unseen, before a recovery of which it would be told."""
    do(admin, "remove-second-number", person)
    told = [(each["phone"], each["message"]) for each in pool.calls("tell")]
    assert told == [(to, "second_number_changed") for to in (SECOND, person.phone)]
    # Repeated, it ends nothing.
    do(admin, "remove-second-number", person)
    assert len(pool.calls("tell")) == 2


def test_operator_needs_the_right(pool, person):
    other = helper("remove_email")
    assert act_on("remove-second-number", person) not in text(other.get(page_of(person)))
    assert do(other, "remove-second-number", person).status_code == 403
    do(helper("remove_second_number"), "remove-second-number", person)
    person.refresh_from_db()
    assert person.second_phone == ""


def test_there_is_no_such_action_where_nobody_signs_in_so(admin, person, settings):
    settings.ACCOUNTS_SECOND_NUMBER = False
    page = text(admin.get(page_of(person)))
    assert act_on("remove-second-number", person) not in page
    assert "second number, " not in page
