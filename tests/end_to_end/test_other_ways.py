"""A code by mail alone and by a second number: our site, the strict front, the real functions."""

import pytest
from django.test import Client

from accounts import operations
from accounts.aws import cognito
from accounts.models import Operation, SignInEvent, User
from tests import site_settings
from tests.alike import told
from tests.channel_stack import ChannelStack
from tests.codes import code_in, wrong
from tests.concurrency import at_once, database_in_a_file
from tests.login_steps import CODE, LOGIN, answer, ask, who

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

BACKUP, NUMBER, SECOND = "/accounts/login/backup/", "/accounts/number/", "/accounts/second-number/"


@pytest.fixture(autouse=True)
def _site(stack, settings) -> None:
    site_settings.use(stack.cloud, settings, (*site_settings.SITE_CLIENT, "LEDGER_FUNCTION"))
    settings.ACCOUNTS_EMAIL_LOGIN = settings.ACCOUNTS_SECOND_NUMBER = True
    settings.ACCOUNTS_SIGN_UP = "open"


@pytest.fixture
def person(client: Client, stack, phone, address) -> User:
    """Somebody who has signed in once, and has an address."""
    ask(client, phone)
    answer(client, code_in(stack.texts(phone)[-1].body))
    stack.give_address(phone, address)
    return User.objects.get(phone=phone)


@pytest.fixture
def second(client, stack, person, make_phone) -> str:
    """The second number that they have added."""
    number = make_phone()
    client.post(SECOND, {"phone": number})
    text = stack.texts(number)[-1].body
    assert "makes this your second number at" in text
    done = client.post(f"{SECOND}code/", {"code": code_in(text)}, follow=True)
    assert b"a code can go to this number" in done.content
    return number


def by_mail(client: Client, phone: str):
    return ask(client, phone, way="email")


def by_second(client: Client, phone: str):
    return client.post(BACKUP, {"phone": phone, "way": "second_number"})


def texted(stack: ChannelStack, phone: str) -> int:
    return len(stack.texts(phone))


def test_mail_alone_signs_in_and_no_text_is_sent(stack, person, phone, address):
    before, elsewhere = texted(stack, phone), Client()
    assert by_mail(elsewhere, phone).url == CODE
    [mail] = stack.others(address)
    assert b"is not the code" in answer(elsewhere, wrong(mail.code)).content
    assert answer(elsewhere, mail.code).status_code == 302
    assert who(elsewhere) == person
    assert texted(stack, phone) == before
    again = Client()
    by_mail(again, phone)
    answer(again, mail.code)
    assert who(again) is None


def test_link_of_that_mail_signs_in_the_browser_that_asked(stack, person, phone, address):
    elsewhere = Client()
    by_mail(elsewhere, phone)
    [mail] = stack.others(address)
    link = mail.body.partition("/accounts/login/link/")[2].split()[0]
    page = f"/accounts/login/link/{link}"
    found = elsewhere.get(page)
    fields = {"attempt": elsewhere.session["accounts.pending"]["attempt"]}
    assert found.status_code == 200
    assert b"Somebody asked for a code" in Client().get(page).content
    assert mail.code.encode() in Client().post(page).content
    elsewhere.post(page, fields)
    assert who(elsewhere) == person


def test_second_number_signs_in_and_a_new_first_one_is_set(
    stack, person, phone, second, make_phone
):
    elsewhere, new = Client(), make_phone()
    assert by_second(elsewhere, phone).url == CODE
    code = code_in(stack.texts(second)[-1].body)
    assert answer(elsewhere, code).url == NUMBER
    assert who(elsewhere) == person
    assert "a sign-in with your second number" in stack.texts(phone)[-1].body
    elsewhere.post(NUMBER, {"phone": new})
    elsewhere.post(f"{NUMBER}code/", {"code": code_in(stack.texts(new)[-1].body)})
    person.refresh_from_db()
    assert (person.phone, person.second_phone) == (new, second)
    assert cognito.gateway().read_user(person.sub).phone == new
    # From the new number, the second one still leads back in.
    stack.wait_for_the_ledger()
    third = Client()
    by_second(third, new)
    answer(third, code_in(stack.texts(second)[-1].body))
    assert who(third) == person


def test_number_that_the_site_names_without_proof_gets_no_text(stack, person, phone, make_phone):
    number = make_phone()
    User.objects.update(second_phone=number)
    assert by_second(Client(), phone).url == CODE
    assert stack.texts(number) == []


def test_removed_number_gets_no_code_whoever_removes_it(
    client, stack, person, phone, second, settings
):
    assert operations.perform(Operation.Kind.REMOVE_SECOND_NUMBER, person, by=None).is_done
    User.objects.update(second_phone=second)
    before = texted(stack, second)
    by_second(Client(), phone)
    assert texted(stack, second) == before


@pytest.mark.parametrize("way", [by_mail, by_second])
def test_parallel_answers_give_one_session_and_share_the_count(
    stack, person, phone, second, address, way, tmp_path
):
    with database_in_a_file(tmp_path):
        browsers = [Client() for _ in range(4)]
        for browser in browsers:
            way(browser, phone)
        found = stack.others(address) if way is by_mail else stack.texts(second)
        code = found[-1].code
        begun = person.sessions.count()
        pages = at_once(*[lambda browser=each: answer(browser, code) for each in browsers])
        assert [page.status_code for page in pages].count(302) == 1
        assert [who(browser) for browser in browsers].count(person) == 1
        assert person.sessions.count() == begun + 1
        assert SignInEvent.objects.filter(kind="succeeded").count() == 2


@pytest.mark.parametrize("way", [by_mail, by_second])
def test_pages_tell_nobody_who_has_such_an_address(
    stack, person, phone, second, make_phone, way, settings
):
    settings.ACCOUNTS_WRONG_CODES = "1000/hour"
    number = make_phone()
    ask(Client(), number)
    User.objects.for_identity(cognito.gateway().find_user(number).sub, number)

    def walk(typed: str) -> list[object]:
        client, found = Client(), []
        steps = [lambda: way(client, typed), lambda: client.get(CODE)]
        steps += [lambda each=each: answer(client, f"00000{each}") for each in range(4)]
        steps += [lambda: client.get(LOGIN), lambda: way(client, typed), lambda: client.get(CODE)]
        for step in steps:
            response = step()
            page = response.content.decode()
            cookies = [(name, len(each.value)) for name, each in response.cookies.items()]
            found.append(told(response.status_code, response.headers, cookies, page))
        return found

    member = walk(phone)
    for other in (number, make_phone()):
        theirs = walk(other)
        for step, (one, two) in enumerate(zip(member, theirs, strict=True)):
            assert one == two, step


def test_owner_of_a_second_number_stops_its_texts(stack, person, phone, second):
    by_second(Client(), phone)
    text = stack.texts(second)[-1].body
    word = text.partition("/no/")[2].split()[0]
    page = Client().post(f"/no/{word}", {"phone": second}, follow=True)
    assert page.status_code == 200
    stack.wait_for_the_ledger()
    before = texted(stack, second)
    by_second(Client(), phone)
    assert texted(stack, second) == before
