"""Operations that are ordered for many people at once."""

import pytest

from accounts import operations
from accounts.admin import order_operations
from accounts.models import Operation, User
from accounts.operations.queue import Kind
from tests.accounts.admin.pages import LIST, ORDERS, act_on, do, helper
from tests.pages import said, text

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.pages,
    pytest.mark.usefixtures("everybody"),
]


def crowd(size: int) -> list[User]:
    return [User.objects.for_identity(f"sub-{n}", f"+1202200{n:04d}") for n in range(size)]


def test_chosen_of_the_list_are_asked_for_and_done_line_by_line(admin, pool, boss):
    people = [*crowd(12), boss]
    chosen = {"action": "disable", "_selected_action": [user.pk for user in people]}
    page = admin.post(LIST, chosen, follow=True)
    assert page.status_code == 200
    assert "Disable 13 accounts?" in text(page)
    assert "Left out: Nobody may do this to their own account." in text(page)
    page = do(admin, "disable", *people)
    assert "12 of 13 done" in text(page)
    assert "1 was refused." in text(page)
    assert pool.operations() == ["AdminDisableUser"] * 12
    assert User.objects.filter(is_active=True).count() == 1


def test_more_than_two_hundred_at_once_are_too_many(admin):
    people = crowd(201)
    chosen = {"action": "disable", "_selected_action": people[0].pk, "select_across": "1"}
    assert "At most 200" in said(admin.post(LIST, chosen, follow=True))
    assert "At most 200" in said(do(admin, "disable", *people))
    assert not Operation.objects.exists()


def test_what_was_not_done_in_time_is_done_after_the_answer(admin, pool, monkeypatch):
    monkeypatch.setattr(order_operations, "_INLINE_SECONDS", -1)
    people = crowd(3)
    ids = ",".join(str(user.pk) for user in people)
    assert admin.post(f"{LIST}act/disable/", {"ids": ids}).status_code == 302
    assert pool.operations() == ["AdminDisableUser"] * 3


def test_second_press_of_a_button_orders_nothing_again(admin, pool):
    people = crowd(2)
    page = admin.get(act_on("sign-out", *people))
    batch = page.context["form"]["batch"].value()
    assert f'name="batch" value="{batch}"' in text(page)
    for _ in range(2):
        page = do(admin, "sign-out", *people, batch=batch)
        assert "2 of 2 done" in text(page)
    assert Operation.objects.count() == 2


def test_page_of_a_batch_carries_it_on(admin, pool, boss):
    for user in crowd(3):
        operations.order(Kind.DISABLE, user, by=boss, batch="batch-1")
    assert operations.run_due(seconds=-1, batch="batch-1") == 0
    page = admin.get(f"{ORDERS}batch/batch-1/")
    assert '<progress id="progress" max="3" value="0"></progress>' in text(page)
    assert "0 of 3 are over" in text(page)
    assert "3 are being worked on." in text(page)
    page = admin.get(f"{ORDERS}batch/batch-1/")
    assert "3 of 3 done" in text(page)
    assert "<progress" not in text(page)
    assert helper().get(f"{ORDERS}batch/batch-1/").status_code == 403
    assert admin.get(f"{ORDERS}batch/nothing/").status_code == 404


@pytest.mark.parametrize("ids", ["", "x", "999999", "-1", "1e3", "9" * 30])
def test_nobody_chosen_is_said_so(admin, ids):
    page = admin.get(f"{LIST}act/disable/", {"ids": ids}, follow=True)
    assert "Choose somebody first" in said(page)
    assert admin.get(f"{LIST}act/nothing/").status_code == 404
