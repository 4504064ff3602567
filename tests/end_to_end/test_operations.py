"""What operators do to people: in Cognito, here, and in the browser of the person. Nothing faked.

Cognito is the local AWS behind the front that is as strict, reached with no more than the
template's policy.
"""

import re

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from accounts import operations
from accounts.aws import cognito
from accounts.models import Operation, Session, User
from accounts.operations.queue import Kind, Remark, State
from accounts.sync import remote_state
from tests import login_steps
from tests.accounts.operators import again
from tests.clock import seconds_later
from tests.codes import code_in
from tests.login_steps import is_signed_in
from tests.pages import said, signed_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

LIST = "/admin/accounts/user/"


@pytest.fixture
def site(on_cloud, settings):
    settings.LEDGER_FUNCTION = on_cloud.outputs["LedgerFunction"]
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]
    settings.ACCOUNTS_STAFF_GROUP = "staff"
    settings.ACCOUNTS_GROUPS = {"edit": "Editors"}
    return settings


@pytest.fixture(scope="module")
def root(cloud):
    """What runs the pool: a client with every right, past the front."""
    api = cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)
    for name in ("staff", "edit"):
        api.create_group(UserPoolId=cloud.outputs["CognitoUserPoolId"], GroupName=name)
    return api


@pytest.fixture
def there(root, cloud):
    """``there(user)``: what Cognito has of a user, its groups too, or None."""
    pool = cloud.outputs["CognitoUserPoolId"]

    def read(user: User) -> dict | None:
        named = {"UserPoolId": pool, "Username": user.sub}
        try:
            found = root.admin_get_user(**named)
        except root.exceptions.UserNotFoundException:
            return None
        groups = root.admin_list_groups_for_user(**named)["Groups"]
        return {each["Name"]: each["Value"] for each in found["UserAttributes"]} | {
            "enabled": found["Enabled"],
            "groups": {group["GroupName"] for group in groups},
        }

    return read


def sign_in(phone: str, texts) -> Client:
    client = Client()
    login_steps.sign_in(client, phone, texts)
    return client


@pytest.fixture
def theirs(site, phone, texts) -> Client:
    """The browser of a person who has just signed in."""
    return sign_in(phone, texts)


@pytest.fixture
def person(theirs, phone) -> User:
    return User.objects.get(phone=phone)


@pytest.fixture
def admin(site, root, phone, monkeypatch) -> Client:
    """The browser of the first operator, made from the shell, with a code typed just now."""
    # A busy machine must not look like an outage.
    monkeypatch.setattr(remote_state, "_PATIENCE", 20)
    call_command("make_admin", f"{phone[:-4]}0177")
    return signed_in(User.objects.get(is_superuser=True))


def do(admin: Client, name: str, user: User, **params):
    return admin.post(f"{LIST}act/{name}/", {"ids": user.pk, **params}, follow=True)


def test_disabled_person_is_out_everywhere_until_enabled(
    admin, person, theirs, there, texts, age_ledger
):
    assert "Done." in said(do(admin, "disable", person))
    assert not there(person)["enabled"]
    assert not is_signed_in(theirs)
    sent = len(texts(person.phone))
    age_ledger(400)
    stranger = Client()
    assert stranger.post("/accounts/login/", {"phone": person.phone}).status_code == 302
    assert len(texts(person.phone)) == sent
    assert "Done." in said(do(admin, "enable", person))
    assert there(person)["enabled"]
    assert is_signed_in(sign_in(person.phone, texts))


def test_person_signed_out_everywhere_signs_in_again(admin, person, theirs, texts, age_ledger):
    assert "Done." in said(do(admin, "sign-out", person))
    assert not is_signed_in(theirs)
    assert Session.objects.get(user=person).ended_why == Session.Ended.ENDED_BY_OPERATOR
    age_ledger(400)
    assert is_signed_in(sign_in(person.phone, texts))


def test_deleted_person_is_gone_and_their_number_is_free(
    admin, person, theirs, there, texts, age_ledger
):
    assert "Done." in said(do(admin, "delete", person))
    assert there(person) is None
    assert not is_signed_in(theirs)
    assert not User.objects.filter(pk=person.pk).exists()
    age_ledger(400)
    assert is_signed_in(sign_in(person.phone, texts))
    assert User.objects.get(phone=person.phone).sub != person.sub


def test_changed_number_signs_in_to_the_same_account(admin, person, theirs, there, texts):
    new = f"{person.phone[:-4]}0155"
    page = do(admin, "change-number", person, phone=new, tell="on")
    assert "A text was sent." in said(page)
    assert there(person)["phone_number"] == new
    assert there(person)["phone_number_verified"] == "false"
    assert (again(person).phone, again(person).phone_verified) == (new, False)
    assert not is_signed_in(theirs)
    assert not re.match(r"\d{6}", texts(person.phone)[-1])
    assert is_signed_in(sign_in(new, texts))
    assert again(person).phone_verified


def test_number_of_somebody_else_is_refused_and_nothing_changes(
    admin, person, theirs, there, phone
):
    taken = User.objects.exclude(pk=person.pk).get().phone
    assert "belongs to another account" in said(do(admin, "change-number", person, phone=taken))
    assert there(person)["phone_number"] == again(person).phone == phone
    assert is_signed_in(theirs)


def test_operators_and_members_of_groups_are_so_on_both_sides(admin, person, theirs, there):
    group = Group.objects.create(name="Editors").pk
    do(admin, "make-staff", person)
    do(admin, "add-to-group", person, group=group)
    assert there(person)["groups"] == {"staff", "edit"}
    assert theirs.get("/admin/").status_code == 200
    do(admin, "remove-from-group", person, group=group)
    do(admin, "unmake-staff", person)
    assert there(person)["groups"] == set()
    assert theirs.get("/admin/", follow=True).status_code == 403


def test_held_number_is_unlocked(admin, person, texts, age_ledger):
    gateway = cognito.gateway()
    for answers in (3, 3, 3, 1):
        age_ledger(400)
        challenge = gateway.start_challenge(person.phone)
        right = int(code_in(texts(person.phone)[-1]))
        for by in range(1, answers + 1):
            try:
                challenge = gateway.answer_challenge(challenge, f"{(right + by) % 10**6:06d}")
            except cognito.CognitoError:
                break
    page = admin.get(f"{LIST}{person.pk}/change/").content.decode()
    assert "Held until" in page
    assert "Done." in said(do(admin, "unlock", person))
    assert "Not held." in admin.get(f"{LIST}{person.pk}/change/").content.decode()
    assert is_signed_in(sign_in(person.phone, texts))


@pytest.mark.parametrize("tell", [True, False])
def test_invited_person_signs_in_though_sign_up_is_closed(admin, site, phone, texts, tell):
    site.ACCOUNTS_SIGN_UP = "closed"
    invited = {"people": f"{phone[:-4]}0166, Grace", "go": "1"} | ({"tell": "on"} if tell else {})
    page = admin.post(f"{LIST}invite/", invited, follow=True)
    assert "1 of 1 done" in page.content.decode()
    number = f"{phone[:-4]}0166"
    assert len(texts(number)) == tell
    assert is_signed_in(sign_in(number, texts))
    assert User.objects.get(phone=number).name == "Grace"


OUTAGES = [
    ("disable", "AdminDisableUser", {}, False),
    ("disable", "AdminDisableUser", {}, True),
    ("sign-out", "AdminUserGlobalSignOut", {}, False),
    ("delete", "AdminDeleteUser", {}, False),
    ("delete", "AdminDeleteUser", {}, True),
    ("change-number", "AdminUpdateUserAttributes", {"phone": "{new}"}, False),
    ("change-number", "AdminUpdateUserAttributes", {"phone": "{new}"}, True),
    ("make-staff", "AdminAddUserToGroup", {}, False),
]


@pytest.mark.parametrize(("name", "operation", "params", "after"), OUTAGES)
def test_outage_in_the_middle_is_reported_tried_again_and_then_done(
    admin, person, theirs, there, strict, name, operation, params, after
):
    """``after``: Cognito did what was asked for, and the answer was lost."""
    new = f"{person.phone[:-4]}0155"
    params = {key: value.format(new=new) for key, value in params.items()}
    strict.fail(operation, after=after)
    page = do(admin, name, person, **params)
    assert "will be tried again by itself: NoAnswer" in said(page)
    shuts_out = name in ("disable", "delete", "sign-out")
    assert is_signed_in(theirs) is not shuts_out
    strict.heal()
    with seconds_later(31):
        # Any page of an operator takes it up; here from the shell, which has no session to lose.
        call_command("run_operations")
    order = Operation.objects.get()
    assert (order.state, order.tries) == (State.DONE, 2)
    now = there(person)
    if name == "delete":
        assert now is None
        assert not User.objects.filter(pk=person.pk).exists()
        assert order.remark == (Remark.GONE if after else "")
        return
    assert now["enabled"] is again(person).is_active is (name != "disable")
    assert now["phone_number"] == again(person).phone == params.get("phone", person.phone)
    assert ("staff" in now["groups"]) is again(person).is_staff is (name == "make-staff")


def test_first_operator_on_an_empty_system_stays_one_after_signing_in(admin, there, texts):
    operator = User.objects.get(is_superuser=True)
    assert sign_in(operator.phone, texts).get("/admin/").status_code == 200
    assert there(operator)["groups"] == {"staff"}
    assert again(operator).is_staff
    assert operations.perform(Kind.DELETE, operator, by=None).state == State.REFUSED
