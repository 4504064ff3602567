"""More than a code opens the admin: passkeys of operators, and the set-up codes to make them."""

import io
import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.events import retention
from accounts.login import second_factor
from accounts.models import Passkey, SetupCode, SignInEvent, User
from tests.authenticator import Authenticator
from tests.login_steps import TAKE_OVER, answer, ask, form
from tests.pages import text
from tests.passkey_steps import ADD, LIST, REMOVE, browser, give, make, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

PAGE, ADMIN = "/accounts/operators/", "/admin/"
TO_PAGE = "/accounts/operators/?next=%2Fadmin%2F"
REFUSED = "That set-up code is wrong"


@pytest.fixture(autouse=True)
def asked_for(pool, settings):
    pool.proves_itself(settings)
    settings.ACCOUNTS_STAFF_SECOND_FACTOR = True


@pytest.fixture
def operator(known) -> User:
    known.is_staff = known.is_superuser = True
    known.save()
    return known


@pytest.fixture
def device() -> Authenticator:
    return Authenticator()


@pytest.fixture
def by_code(operator, pool) -> Client:
    """The browser of somebody who has the number of an operator, and nothing else."""
    client = browser()
    ask(client, operator.phone)
    answer(client, pool.code())
    return client


def opens(client: Client) -> bool:
    page = client.get(ADMIN, follow=True)
    return page.status_code == 200 and page.request["PATH_INFO"] == ADMIN


def type_code(client: Client, code: str, **extra: str):
    return client.post(PAGE, {"code": code, **extra})


@pytest.fixture
def passkey(operator, device) -> Passkey:
    """A passkey that opens the admin."""
    made = give(operator, device)
    made.opens_admin = True
    made.save()
    return made


# A code alone


def test_code_alone_leads_to_a_page_that_says_why(by_code, operator):
    wanted = f"/admin/accounts/user/{operator.pk}/change/"
    page = by_code.get(wanted, follow=True)
    assert page.redirect_chain[-1][0] == f"{PAGE}?next={wanted.replace('/', '%2F')}"
    assert "Set up a passkey to use the admin" in text(page)
    assert "not enough" in text(page)
    assert by_code.get("/").status_code == 200


def test_code_alone_changes_nothing_by_a_form(by_code, operator):
    by_code.post(f"/admin/accounts/user/{operator.pk}/change/", {"name": "x"})
    operator.refresh_from_db()
    assert operator.name == ""


def test_code_alone_opens_the_admin_where_the_setting_is_off(by_code, settings):
    settings.ACCOUNTS_STAFF_SECOND_FACTOR = False
    assert opens(by_code)


def test_page_is_not_for_other_people(pool, make_phone):
    client = browser()
    ask(client, make_phone())
    answer(client, pool.code())
    assert client.get(PAGE).status_code == 403
    assert type_code(client, "x").status_code == 403
    assert browser().get(PAGE).status_code == 302


def test_passkey_that_thieves_of_the_number_make_does_not_open_the_admin(by_code, device):
    """They have the texts: a code to sign in, and a fresh one to make a passkey."""
    make(by_code, device)
    assert not opens(by_code)
    there = browser()
    sign_in(there, device)
    assert not opens(there)
    assert not Passkey.objects.get().opens_admin


def test_operators_are_offered_no_passkey_that_would_not_open_the_admin(operator, pool):
    client = browser()
    ask(client, operator.phone)
    page = form(client.get("/accounts/login/code/"))
    done = client.post("/accounts/login/code/", {**page, "code": pool.code(), "able": "passkey"})
    assert done["Location"] == "/"


# A set-up code


def test_set_up_code_and_a_passkey_open_the_admin_from_then_on(by_code, operator, device):
    shown = type_code(by_code, second_factor.draw(operator), next=ADMIN)
    assert shown["Location"] == f"{ADD}?next=%2Fadmin%2F"
    assert not opens(by_code)
    assert "It will open the admin" in text(by_code.get(ADD))
    make(by_code, device)
    assert opens(by_code)
    assert Passkey.objects.get().opens_admin
    there = browser()
    assert sign_in(there, device, next=ADMIN)["Location"] == ADMIN
    assert opens(there)


def test_set_up_code_may_be_typed_in_any_spelling(by_code, operator):
    code = second_factor.draw(operator)
    assert re.fullmatch("[2-9A-HJKMNP-Z]{5}-[2-9A-HJKMNP-Z]{5}", code)
    assert type_code(by_code, f" {code.lower().replace('-', ' ')} ").status_code == 302


def test_set_up_code_is_good_for_one_passkey(by_code, operator, device, pool):
    code = second_factor.draw(operator)
    there = browser()
    ask(there, operator.phone)
    answer(there, pool.code())
    # Both have typed it, and one is first.
    type_code(by_code, code)
    type_code(there, code)
    make(by_code, device)
    make(there, Authenticator())
    assert opens(by_code)
    assert not opens(there)
    assert REFUSED in text(type_code(there, code))


@pytest.mark.parametrize("typed", ["", "22222-22222", "x" * 5000, "\0"])
def test_wrong_set_up_code_is_refused(by_code, operator, typed, device):
    second_factor.draw(operator)
    page = type_code(by_code, typed)
    assert REFUSED in text(page)
    assert SignInEvent.objects.latest("pk").reason == "wrong_setup_code"
    make(by_code, device)
    assert not opens(by_code)


def test_set_up_code_is_guessed_five_times_at_most(by_code, operator):
    code = second_factor.draw(operator)
    for _ in range(5):
        type_code(by_code, "22222-22222")
    assert REFUSED in text(type_code(by_code, code))
    assert type_code(by_code, second_factor.draw(operator)).status_code == 302


def test_set_up_code_ends_after_a_day(by_code, operator, device):
    code = second_factor.draw(operator)
    type_code(by_code, code)
    lives = SetupCode.objects.get().expires_at - timezone.now()
    assert timedelta(hours=23) < lives <= timedelta(hours=24)
    SetupCode.objects.update(expires_at=timezone.now())
    assert REFUSED in text(type_code(by_code, code))
    make(by_code, device)
    assert not opens(by_code)
    retention.purge(timezone.now())
    assert not SetupCode.objects.exists()


def test_set_up_code_of_another_person_is_refused(by_code, make_phone):
    other = User.objects.for_identity("another", make_phone())
    assert REFUSED in text(type_code(by_code, second_factor.draw(other)))


def test_later_set_up_code_takes_the_place_of_one_before(by_code, operator, device):
    first = second_factor.draw(operator)
    type_code(by_code, first)
    second_factor.draw(operator)
    make(by_code, device)
    assert not opens(by_code)
    assert REFUSED in text(type_code(by_code, first))


def test_set_up_code_lets_a_passkey_from_before_open_the_admin(operator, device):
    give(operator, device)
    client = browser()
    sign_in(client, device)
    assert "does not open the admin yet" in text(client.get(PAGE))
    assert type_code(client, second_factor.draw(operator), next=ADMIN)["Location"] == ADMIN
    assert opens(client)
    assert not SetupCode.objects.exists()


def test_set_up_code_is_kept_as_a_digest(operator):
    code = second_factor.draw(operator)
    kept = SetupCode.objects.get()
    assert code.replace("-", "") not in kept.digest
    assert len(kept.digest) == 64


# A passkey


def test_operator_with_a_passkey_is_led_to_it_and_back(passkey, by_code, device):
    page = by_code.get(ADMIN, follow=True)
    assert "Sign in with your passkey" in text(page)
    [back] = re.findall('name="next" value="(/accounts/login/[^"]*)"', text(page))
    out = by_code.post("/accounts/logout/", {"next": back})
    assert out["Location"] == "/accounts/login/?next=%2Fadmin%2F"
    assert sign_in(by_code, device, next=ADMIN)["Location"] == ADMIN
    assert opens(by_code)
    assert by_code.get(TO_PAGE)["Location"] == ADMIN


def test_next_leads_to_no_other_site(passkey, by_code, device, operator):
    page = text(by_code.get(PAGE, {"next": "https://evil.example/"}))
    assert 'name="next" value="/accounts/login/?next=%2Fadmin%2F"' in page
    sign_in(there := browser(), device)
    assert there.get(PAGE, {"next": "https://evil.example/"})["Location"] == ADMIN


def test_removed_passkey_closes_the_admin_in_its_own_session(passkey, device):
    sign_in(there := browser(), device)
    assert opens(there)
    there.post(REMOVE, {"passkey": passkey.pk})
    assert not opens(there)


def test_copied_passkey_closes_the_admin(passkey, device):
    sign_in(there := browser(), device)
    Passkey.objects.update(copied_at=timezone.now())
    assert not opens(there)


def test_further_passkey_needs_no_set_up_code(passkey, device, operator):
    sign_in(there := browser(), device)
    other = Authenticator()
    assert make(there, other).opens_admin
    sign_in(elsewhere := browser(), other)
    assert opens(elsewhere)


def test_question_about_other_devices_does_not_forget_the_passkey(
    passkey, by_code, device, settings
):
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    there = browser()
    assert sign_in(there, device)["Location"] == TAKE_OVER
    there.post(TAKE_OVER, form(there.get(TAKE_OVER)))
    assert opens(there)


def test_list_says_which_passkeys_open_the_admin(passkey, by_code):
    assert "It opens the admin" in text(by_code.get(LIST))
    Passkey.objects.update(opens_admin=False)
    assert "It does not open the admin" in text(by_code.get(LIST))


# The shell


def made_admin(phone: str) -> str:
    output = io.StringIO()
    call_command("make_admin", phone, stdout=output)
    return output.getvalue()


def test_shell_prints_a_set_up_code_for_the_first_operator(pool, phone, device):
    [code] = re.findall("Set-up code: ([^ ]+)", made_admin(phone))
    client = browser()
    ask(client, phone)
    answer(client, pool.code())
    type_code(client, code)
    make(client, device)
    assert opens(client)


def test_shell_prints_none_where_the_admin_needs_none(pool, phone, settings):
    settings.ACCOUNTS_STAFF_SECOND_FACTOR = False
    assert "Set-up code" not in made_admin(phone)
