"""An e-mail address from its proof to a sign-in: our site, the strict front, the real functions."""

import re

import pytest
from django.test import Client

from accounts import operations
from accounts.aws import cognito
from accounts.models import Operation, SignInEvent, User
from tests.channel_stack import ChannelStack
from tests.codes import code_in, wrong
from tests.login_steps import CODE, RESEND, answer, ask, is_signed_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

PAGE = "/accounts/email/"


@pytest.fixture
def person(client: Client, stack, phone) -> Client:
    """A browser of somebody who has just signed in."""
    ask(client, phone)
    answer(client, code_in(stack.texts(phone)[-1].body))
    return client


def add(client: Client, stack: ChannelStack, address: str):
    client.post(PAGE, {"email": address})
    [mail] = stack.others(address)
    return client.post(f"{PAGE}code/", {"code": mail.code}, follow=True)


def account() -> tuple[str, User]:
    user = User.objects.get()
    return cognito.gateway().read_user(user.sub).email, user


def test_address_is_proven_told_and_then_signs_in(person, stack, phone, address):
    person.post(PAGE, {"email": address})
    assert account()[0] == ""
    [mail] = stack.others(address)
    assert "to add this e-mail address to your Phone login account" in mail.body
    refused = person.post(f"{PAGE}code/", {"code": wrong(mail.code)})
    assert b"You have 2 tries left." in refused.content
    done = person.post(f"{PAGE}code/", {"code": mail.code}, follow=True)
    assert b"you can have your code sent to this address" in done.content
    assert account()[0] == address
    notice = stack.texts(phone)[-1].body
    assert "the e-mail address of your account changed." in notice
    elsewhere = Client()
    ask(elsewhere, phone)
    stack.wait(elsewhere)
    elsewhere.post(RESEND, {"channel": "email"})
    assert answer(elsewhere, stack.others(address)[-1].code).status_code == 302
    assert is_signed_in(elsewhere)


def test_code_of_the_mail_that_proves_signs_nobody_in(person, stack, phone, address):
    person.post(PAGE, {"email": address})
    [mail] = stack.others(address)
    elsewhere = Client()
    ask(elsewhere, phone)
    assert b"is not the code" in elsewhere.post(CODE, {"code": mail.code}).content


def test_two_people_may_have_one_address_and_each_proves_it(
    person, stack, phone, address, make_phone
):
    add(person, stack, address)
    other, number = Client(), make_phone()
    ask(other, number)
    answer(other, code_in(stack.texts(number)[-1].body))
    other.post(PAGE, {"email": address})
    first, second = stack.others(address)
    assert b"is not the code" in other.post(f"{PAGE}code/", {"code": first.code}).content
    other.post(f"{PAGE}code/", {"code": second.code})
    subs = User.objects.values_list("sub", flat=True)
    assert [cognito.gateway().read_user(sub).email for sub in subs] == [address, address]


def test_removed_address_gets_no_code(person, stack, phone, address):
    add(person, stack, address)
    person.post(f"{PAGE}remove/")
    assert account()[0] == ""
    elsewhere = Client()
    ask(elsewhere, phone)
    stack.wait(elsewhere)
    elsewhere.post(RESEND, {"channel": "email"})
    assert len(stack.others(address)) == 1


def test_operator_removes_the_address_by_an_order(person, stack, address):
    add(person, stack, address)
    user = account()[1]
    assert operations.perform(Operation.Kind.REMOVE_EMAIL, user, by=None).is_done
    assert account()[0] == ""
    assert SignInEvent.objects.filter(kind="email", reason="operator").exists()


def test_page_speaks_the_person_s_language_and_so_does_the_mail(person, stack, address):
    person.post("/accounts/language/", {"language": "de", "next": PAGE})
    page = person.get(PAGE).content.decode()
    assert re.search(r'<html[^>]* lang="de"', page)
    person.post(PAGE, {"email": address})
    assert "Ihr Code, um diese E-Mail-Adresse" in stack.others(address)[-1].body
