"""Sign-in in a pool whose user names are not phones: the account that holds the number is found."""

import time
from collections.abc import Iterator

import pytest
from django.test import Client

from accounts import operations
from accounts.aws import cognito
from accounts.login import decoys
from accounts.models import Operation, SignInEvent, UnprovenAccount, User
from accounts.sync import revalidation, runs
from tests.accounts.login.paces import has_seen_a_call
from tests.clock import seconds_later
from tests.fakes.attribute_pool import AttributePool
from tests.fakes.site_texts import sends_codes
from tests.login_steps import CODE, RESEND, answer, ask, who
from tests.wire import Reply

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

STEPS = ["ListUsers", "InitiateAuth"]
MADE_BY_SITE = "phone-login-somebody"


@pytest.fixture(params=["plain", "email"])
def pool(settings, request) -> Iterator[AttributePool]:
    """The user pool of this site, with nobody in it."""
    settings.ACCOUNTS_SIGN_UP = "closed"
    with AttributePool(by_email=request.param == "email") as server:
        server.connect(settings)
        yield server


@pytest.fixture
def open_pool(settings) -> Iterator[AttributePool]:
    """A pool with names of any kind, where sign-up is open."""
    settings.ACCOUNTS_SIGN_UP = "open"
    with AttributePool() as server:
        server.connect(settings)
        yield server


def signed_in_before(pool: AttributePool, phone: str) -> User:
    """Somebody who holds a number, and has signed in here with it."""
    sub, client = pool.hold(phone), Client()
    ask(client, phone)
    answer(client, pool.code())
    assert who(client).sub == sub
    pool.texts.clear()
    pool.forget_calls()
    return who(client)


def reasons() -> list[str]:
    return [event.reason for event in SignInEvent.objects.filter(kind="blocked").order_by("pk")]


# The account that a number leads to


def test_holder_of_a_verified_number_signs_in_as_the_person_of_that_account(client, pool, phone):
    sub = pool.hold(phone)
    pool.hold(f"{phone[:-1]}9")
    assert ask(client, phone).url == CODE
    assert pool.operations() == STEPS
    [listed] = pool.calls("ListUsers")
    assert listed["Filter"] == f'phone_number = "{phone}"'
    answer(client, pool.code())
    assert (who(client).sub, who(client).phone) == (sub, phone)
    assert pool.operations() == [*STEPS, "RespondToAuthChallenge"]


def test_somebody_who_is_known_costs_the_same_calls(client, pool, phone):
    """One less would tell who has an account."""
    user = signed_in_before(pool, phone)
    ask(client, phone)
    assert pool.operations() == STEPS
    answer(client, pool.code())
    assert who(client) == user


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ({"verified": False}, "number_unproven"),
        # As an account of the site would be called, with a password that a stranger knows.
        ({"verified": False, "name": MADE_BY_SITE}, "number_unproven"),
        ({"status": "UNCONFIRMED"}, "number_unproven"),
        ({"status": "EXTERNAL_PROVIDER"}, "number_unproven"),
        ({"enabled": False}, "refused"),
        (None, "unknown"),
    ],
)
def test_number_that_leads_to_nobody_looks_like_any_other_and_costs_the_same(
    client, pool, phone, held, reason
):
    known = f"{phone[:-1]}9"
    pool.hold(known)
    if held:
        pool.hold(phone, **held)
    page = ask(client, phone)
    other = ask(Client(), known)
    assert (page.status_code, page.url) == (other.status_code, other.url)
    assert pool.operations() == STEPS * 2
    assert [to for to, _ in pool.texts] == [known]
    assert reasons() == [reason]
    assert "code" in answer(client, "000000").content.decode()


def test_two_accounts_with_one_verified_number_get_no_text_and_operators_see_why(
    client, pool, phone
):
    pool.hold(phone)
    pool.hold(phone)
    assert ask(client, phone).url == CODE
    assert pool.operations() == STEPS
    assert pool.texts == []
    assert reasons() == ["number_shared"]


def test_account_that_signed_in_here_with_the_number_wins(client, pool, phone):
    user = signed_in_before(pool, phone)
    pool.hold(phone)
    ask(client, phone)
    answer(client, pool.code())
    assert who(client) == user


def test_account_that_only_has_a_row_here_does_not_win(client, pool, phone):
    """Such as one that a comparison imported."""
    sub = pool.hold(phone)
    pool.hold(phone)
    User.objects.for_identity(sub, phone, phone_verified=True)
    ask(client, phone)
    assert reasons() == ["number_shared"]


@pytest.mark.parametrize(
    "other",
    [
        {"verified": False},
        {"enabled": False},
        # Made for a number that was typed here, and waits for its first code.
        {"verified": False, "name": MADE_BY_SITE, "status": "FORCE_CHANGE_PASSWORD"},
    ],
)
def test_verified_number_of_an_enabled_account_wins(client, pool, phone, other):
    pool.hold(phone, **other)
    sub = pool.hold(phone)
    pool.hold(phone, **other)
    ask(client, phone)
    answer(client, pool.code())
    assert who(client).sub == sub


def test_number_that_somebody_wrote_on_their_account_takes_it_from_nobody(client, pool, phone):
    """Through another client of the pool, where people may write their attributes."""
    owner = signed_in_before(pool, phone)
    stranger = signed_in_before(pool, f"{phone[:-1]}9")
    pool.change(stranger.sub, phone_number=phone, phone_number_verified="false")
    # As after a page of the stranger, who is looked up from time to time.
    found = cognito.gateway().read_user(stranger.sub)
    assert found.phone == ""
    revalidation.ask(stranger)
    owner.refresh_from_db()
    assert (stranger.phone, owner.phone) == (None, phone)
    ask(client, phone)
    answer(client, pool.code())
    assert who(client) == owner


def test_person_who_is_shut_out_here_gets_no_text_at_the_same_cost(client, pool, phone):
    user = signed_in_before(pool, phone)
    User.objects.filter(pk=user.pk).update(is_active=False)
    ask(client, phone)
    assert pool.operations() == STEPS
    assert (pool.texts, reasons()) == ([], ["shut_out"])
    # With a second account of theirs neither.
    pool.change(user.sub, phone_number="+12015550199")
    pool.hold(phone)
    ask(Client(), phone)
    assert (pool.texts, reasons()) == ([], ["shut_out", "shut_out"])


def test_account_that_is_shut_out_here_under_another_number_gets_no_text(client, pool, phone):
    user = signed_in_before(pool, f"{phone[:-1]}9")
    User.objects.filter(pk=user.pk).update(is_active=False)
    pool.change(user.sub, phone_number=phone)
    ask(client, phone)
    assert (pool.texts, reasons()) == ([], ["shut_out"])


def test_number_that_the_list_does_not_know_yet_is_looked_for_under_the_account_here(
    client, pool, phone
):
    user = signed_in_before(pool, phone)
    pool.unlisted.add(user.sub)
    ask(client, phone)
    assert pool.operations() == ["ListUsers", "AdminGetUser", "InitiateAuth"]
    answer(client, pool.code())
    assert who(client) == user


def test_number_that_has_left_the_account_here_leads_to_its_new_holder(client, pool, phone):
    user = signed_in_before(pool, phone)
    pool.change(user.sub, phone_number="+12015550199")
    heir = pool.hold(phone)
    ask(client, phone)
    answer(client, pool.code())
    assert who(client).sub == heir
    user.refresh_from_db()
    assert user.phone is None


def test_list_that_comes_in_pages_is_read_to_its_end(client, pool, phone):
    """AWS may send empty ones before the one that has somebody."""
    sub = pool.hold(phone)
    user = pool.users[sub]
    rest = {k: v for k, v in user.items() if k != "attributes"}
    shown = rest | {"Attributes": [{"Name": n, "Value": v} for n, v in user["attributes"].items()]}
    pool.fails(
        "ListUsers", Reply({"Users": [], "PaginationToken": "0-0"}), Reply({"Users": [shown]})
    )
    ask(client, phone)
    answer(client, pool.code())
    assert who(client).sub == sub


def test_filter_that_is_ignored_lets_nobody_in_as_somebody_else(client, pool, phone):
    pool.hold("+12015550199")
    user = next(iter(pool.users.values()))
    rest = {k: v for k, v in user.items() if k != "attributes"}
    shown = rest | {"Attributes": [{"Name": n, "Value": v} for n, v in user["attributes"].items()]}
    pool.fails("ListUsers", Reply({"Users": [shown]}))
    ask(client, phone)
    assert (pool.texts, reasons()) == ([], ["unknown"])


@pytest.mark.parametrize("bad", ['+1201" or "', "", "12015550123", "+0201555", "+1" * 20])
def test_text_that_is_no_phone_never_reaches_a_filter(pool, bad):
    with pytest.raises(cognito.UnknownUser):
        cognito.gateway().find_user(bad)
    assert pool.operations() == []


def test_list_that_is_throttled_is_told_to_everybody_alike(client, pool, phone):
    signed_in_before(pool, phone)
    throttled = {"__type": "TooManyRequestsException", "message": "Rate exceeded"}
    pool.faults["ListUsers"] = Reply(throttled, status=400)
    pages = [ask(Client(), number) for number in (phone, f"{phone[:-1]}9")]
    assert [page.status_code for page in pages] == [503, 503]


# Sign-up


def test_new_number_gets_an_account_with_a_name_of_ours_and_signs_in(client, open_pool, phone):
    ask(client, phone)
    assert open_pool.operations() == ["ListUsers", "AdminCreateUser", "InitiateAuth"]
    [made] = open_pool.calls("AdminCreateUser")
    assert made["Username"].startswith("phone-login-")
    assert phone[1:] not in made["Username"]
    [sub] = open_pool.users
    assert UnprovenAccount.objects.get().sub == sub
    answer(client, open_pool.code())
    assert who(client).sub == sub
    assert open_pool.attributes(sub)["phone_number_verified"] == "true"


def test_number_whose_account_the_list_does_not_know_yet_gets_no_second_one(
    client, open_pool, phone
):
    ask(client, phone)
    open_pool.unlisted.update(open_pool.users)
    ask(Client(), phone)
    assert len(open_pool.users) == 1
    assert len(open_pool.texts) == 2


def test_number_whose_first_account_has_another_one_by_now_gets_an_account(
    client, open_pool, phone
):
    first = signed_up(open_pool, phone)
    open_pool.change(first, phone_number="+12015550199")
    second = signed_up(open_pool, phone)
    assert second != first
    assert len({user["Username"] for user in open_pool.users.values()}) == 2


def signed_up(pool: AttributePool, phone: str) -> str:
    client = Client()
    ask(client, phone)
    answer(client, pool.code())
    return who(client).sub


def test_unverified_number_of_somebody_else_does_not_keep_its_owner_from_an_account(
    client, open_pool, phone
):
    stranger = open_pool.hold(phone, verified=False)
    assert signed_up(open_pool, phone) != stranger


@pytest.mark.parametrize("needs", ["an address for a name", "an address"])
def test_pool_that_lets_nobody_be_signed_up_looks_the_same_to_new_numbers(
    client, open_pool, phone, needs
):
    open_pool.by_email = needs == "an address for a name"
    open_pool.required = {"email"}
    known = f"{phone[:-1]}9"
    open_pool.hold(known)
    page, other = ask(client, phone), ask(Client(), known)
    assert (page.status_code, page.url) == (other.status_code, other.url)
    assert [to for to, _ in open_pool.texts] == [known]
    assert reasons() == ["no_sign_up"]


def test_disabled_account_keeps_its_number_from_a_new_one(client, open_pool, phone):
    open_pool.hold(phone, enabled=False)
    ask(client, phone)
    assert "AdminCreateUser" not in open_pool.operations()
    assert reasons() == ["refused"]


def test_second_text_of_a_new_number_is_of_the_same_account(client, open_pool, phone, settings):
    ask(client, phone)
    with seconds_later(31):
        client.post(RESEND)
    assert len(open_pool.users) == 1
    assert len(open_pool.texts) == 2
    answer(client, open_pool.code())
    assert who(client).sub in open_pool.users


@pytest.mark.parametrize("whose", ["a member", "typed again", "of two", "disabled", "no sign-ups"])
def test_everybody_waits_as_long_as_an_account_takes_to_be_made(open_pool, phone, settings, whose):
    if whose == "a member":
        signed_in_before(open_pool, phone)
    elif whose == "no sign-ups":
        settings.ACCOUNTS_SIGN_UPS = "0/hour"
    for _ in range({"of two": 2, "disabled": 1}.get(whose, 0)):
        open_pool.hold(phone, enabled=whose != "disabled")
    # The first page of a process takes long in itself.
    ask(Client(), phone)
    decoys.current.forget()
    decoys.current.creations.note(time.monotonic() - 0.4)
    open_pool.forget_calls()
    began = time.perf_counter()
    ask(Client(), phone)
    assert time.perf_counter() - began >= 0.4
    assert open_pool.operations() == STEPS


@pytest.mark.parametrize("is_let", [True, False])
def test_time_that_a_new_account_takes_is_what_others_wait_for(open_pool, phone, is_let):
    if not is_let:
        open_pool.required = {"email"}
    assert not has_seen_a_call(decoys.current.creations)
    ask(Client(), phone)
    assert has_seen_a_call(decoys.current.creations)


# Numbers that change, invitations, comparisons


@pytest.mark.parametrize("holders", [1, 2])
def test_number_of_others_is_taken_on_the_page_once_it_is_proven(pool, phone, holders, settings):
    user, wanted, client = signed_in_before(pool, phone), f"{phone[:-1]}9", Client()
    for _ in range(holders):
        pool.hold(wanted)
    sends_codes(pool, settings, "483920")
    client.force_login(user)
    client.post("/accounts/number/", {"phone": wanted})
    answered = client.post("/accounts/number/code/", {"code": "483920"})
    assert answered.url == "/accounts/number/taken/"
    assert pool.attributes(user.sub)["phone_number"] == phone


def test_number_of_another_account_cannot_be_taken(pool, phone):
    user = signed_in_before(pool, phone)
    wanted = f"{phone[:-1]}9"
    pool.hold(wanted)
    done = operations.perform(
        Operation.Kind.CHANGE_NUMBER, user, by=None, phone=wanted, verified=True
    )
    assert done.remark == Operation.Remark.PHONE_TAKEN
    assert pool.attributes(user.sub)["phone_number"] == phone
    user.refresh_from_db()
    assert user.phone == phone


@pytest.mark.parametrize("verified", [True, False])
def test_number_that_nobody_has_proven_can_be_taken_and_leads_to_the_account(
    client, pool, phone, verified
):
    user = signed_in_before(pool, phone)
    wanted = f"{phone[:-1]}9"
    pool.hold(wanted, verified=False)
    done = operations.perform(
        Operation.Kind.CHANGE_NUMBER, user, by=None, phone=wanted, verified=verified
    )
    assert done.is_done
    user.refresh_from_db()
    # Here as there, or the comparison would find a difference.
    assert (user.phone_verified, pool.attributes(user.sub)["phone_number_verified"]) == (
        True,
        "true",
    )
    ask(client, wanted)
    answer(client, pool.code())
    assert who(client) == user


def test_invitation_of_a_number_that_an_account_holds_is_of_that_account(pool, phone):
    sub = pool.hold(phone)
    done = operations.perform(Operation.Kind.INVITE, None, by=None, phone=phone, name="A member")
    assert (done.sub, done.remark) == (sub, Operation.Remark.HAD_ACCOUNT)
    assert len(pool.users) == 1


def test_invitation_of_a_new_number_can_sign_in(client, open_pool, phone, settings):
    settings.ACCOUNTS_SIGN_UP = "closed"
    done = operations.perform(Operation.Kind.INVITE, None, by=None, phone=phone, name="A member")
    assert done.is_done
    ask(client, phone)
    answer(client, open_pool.code())
    assert who(client).sub == done.sub


def test_invitation_of_a_number_that_two_hold_is_refused(pool, phone):
    pool.hold(phone)
    pool.hold(phone)
    done = operations.perform(Operation.Kind.INVITE, None, by=None, phone=phone)
    assert (done.state, len(pool.users)) == (Operation.State.REFUSED, 2)


def test_comparison_names_two_that_hold_one_number_and_leaves_others_alone(pool, phone):
    shared = {pool.hold(phone), pool.hold(phone)}
    pool.hold(phone, verified=False)
    pool.hold(None, verified=False)
    pool.hold("+12015550199", status="UNCONFIRMED")
    # Waits for its first password, in the app that the pool belongs to.
    pool.hold("+12015550198", verified=False, status="FORCE_CHANGE_PASSWORD")
    run = runs.start()
    while runs.step(run, lambda: None):
        pass
    found = run.differences.values_list("kind", "sub")
    assert {sub for kind, sub in found if kind == "duplicate"} == shared
    assert {sub for _, sub in found} == shared
