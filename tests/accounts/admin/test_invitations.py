"""Invitations, by a list that is checked first."""

import re

import pytest

from accounts.models import Operation
from accounts.operations.queue import Kind
from tests.accounts.admin.pages import INVITE, LIST, helper
from tests.accounts.operators import make_operator
from tests.pages import signed_in, text
from tests.wire import Reply

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.pages,
    pytest.mark.usefixtures("everybody"),
]


def test_invitation_is_looked_through_first_and_done_line_by_line(admin, pool, person):
    people = f"(202) 555-0101, Grace  Hopper\n\n12\n+1 202 555 0101\n{person.phone}; Ada\n"
    page = admin.post(INVITE, {"people": people})
    assert "Invite 2 people" in text(page)
    assert "Left out: Enter a valid mobile number" in text(page)
    assert "The number stands above already." in text(page)
    assert "Has an account already." in text(page)
    assert "Nobody gets a text" in text(page)
    assert pool.operations() == []
    page = admin.post(INVITE, {"people": people, "go": "1"}, follow=True)
    assert "2 of 2 done" in text(page)
    assert pool.operations() == ["AdminCreateUser"] * 2
    orders = Operation.objects.filter(kind=Kind.INVITE)
    assert {order.params["tell"] for order in orders} == {False}
    assert {order.who for order in orders} == {"Grace Hopper", "Ada"}


def test_invitation_texts_only_if_that_was_chosen(admin, pool, settings):
    settings.TEXTS_FUNCTION = "phone-login-texts"
    pool.faults[""] = Reply({"delivery": "sent"})
    sent = {"people": "+12025550101", "tell": "on", "go": "1"}
    assert "A text was sent." in text(admin.post(INVITE, sent, follow=True))


def test_second_press_of_a_button_invites_and_texts_nobody_again(admin, pool, settings):
    settings.TEXTS_FUNCTION = "phone-login-texts"
    pool.faults[""] = Reply({"delivery": "sent"})
    typed = {"people": "+12025550101\n+12025550102", "tell": "on"}
    batch = re.search(r'name="batch" value="([^"]+)"', text(admin.post(INVITE, typed)))[1]
    sent = {**typed, "go": "1", "batch": batch}
    first, second = admin.post(INVITE, sent), admin.post(INVITE, sent)
    assert first.url == second.url
    assert Operation.objects.count() == 2
    other = signed_in(make_operator(2, is_superuser=True)).post(INVITE, sent)
    assert other.url != first.url
    assert Operation.objects.filter(batch=batch).count() == 2


def test_list_can_be_repaired_and_is_bounded(admin, pool):
    page = admin.post(INVITE, {"people": "12", "back": "1"})
    assert "<textarea" in text(page)
    page = admin.post(INVITE, {"people": "\n".join(["+12025550101"] * 201), "go": "1"})
    assert "At most 200 lines" in text(page)
    assert "Invite 0" not in text(admin.post(INVITE, {"people": "12", "go": "1"}))
    assert pool.operations() == []


def test_invitation_without_the_permission_is_refused(pool):
    client = helper("disable_user")
    assert client.get(INVITE).status_code == 403
    assert INVITE not in text(client.get(LIST))
