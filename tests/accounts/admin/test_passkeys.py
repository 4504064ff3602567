"""Passkeys on the page of a person."""

import pytest
from auditlog.models import LogEntry

from accounts.models import Passkey, SignInEvent, User
from tests.accounts.admin.pages import LIST, helper, page_of
from tests.accounts.operators import make_operator
from tests.authenticator import Authenticator
from tests.clock import seconds_later
from tests.pages import said, text
from tests.passkey_steps import give

pytestmark = [pytest.mark.django_db, pytest.mark.pages, pytest.mark.usefixtures("everybody")]


@pytest.fixture
def passkey(pool, settings, person) -> Passkey:
    pool.proves_itself(settings)
    return give(person, Authenticator())


def removal(passkey: Passkey) -> str:
    return f"{LIST}{passkey.user_id}/passkeys/{passkey.pk}/remove/"


def test_page_says_which_ways_and_passkeys_a_person_has(admin, passkey):
    page = text(admin.get(page_of(passkey.user)))
    assert "code by text" in page
    assert "1 passkey" in page
    assert "on all devices that share it, backed up" in page
    Passkey.objects.update(copied_at=passkey.created_at)
    page = text(admin.get(page_of(passkey.user)))
    assert "it may have been copied" in page
    assert "1 passkey" not in page


def test_operator_removes_one_and_it_is_written_down(admin, boss, passkey):
    assert "no longer works" in said(admin.post(removal(passkey), follow=True))
    assert "removed already" in said(admin.post(removal(passkey), follow=True))
    assert Passkey.objects.count() == 0
    entry = LogEntry.objects.get(changes__has_key="passkey")
    assert (entry.actor, entry.changes["passkey"]) == (boss, ["Passkey", "removed"])
    event = SignInEvent.objects.latest("pk")
    assert (event.kind, event.reason, event.device) == ("passkey", "removed_by_operator", "")


def test_operator_is_told_of_a_passkey_that_another_one_removed(admin, pool, settings):
    pool.proves_itself(settings)
    operator = make_operator(3, phone="+12015550133")
    passkey = give(operator, Authenticator())
    settings.TEXTS_FUNCTION = "texts"
    pool.functions["tell"] = lambda asked: {"delivery": "sent"}
    admin.post(removal(passkey), headers={"accept-language": "de"})
    [told] = pool.calls("tell")
    # Not in the language of whoever removed it.
    expected = (operator.phone, "passkey_removed", "")
    assert (told["phone"], told["message"], told["language"]) == expected


def test_operator_needs_the_right_and_a_fresh_code(admin, passkey):
    assert helper().post(removal(passkey)).status_code == 403
    assert removal(passkey) not in text(helper().get(page_of(passkey.user)))
    assert helper("remove_passkey").get(removal(passkey)).status_code == 302
    with seconds_later(301):
        assert admin.post(removal(passkey))["Location"].startswith("/accounts/confirm/")
    assert Passkey.objects.count() == 1
    assert helper("remove_passkey").post(removal(passkey)).status_code == 302
    assert Passkey.objects.count() == 0


def test_operator_with_fewer_rights_leaves_those_of_a_superuser(pool, settings):
    pool.proves_itself(settings)
    passkey = give(make_operator(3, is_superuser=True), Authenticator())
    assert helper("remove_passkey").post(removal(passkey)).status_code == 403


def test_passkey_of_nobody_is_not_there(admin, passkey):
    assert admin.post(f"{LIST}{10**9}/passkeys/{passkey.pk}/remove/").status_code == 404
    other = User.objects.create(sub="other")
    assert "already" in said(
        admin.post(f"{LIST}{other.pk}/passkeys/{passkey.pk}/remove/", follow=True)
    )
    assert Passkey.objects.count() == 1
