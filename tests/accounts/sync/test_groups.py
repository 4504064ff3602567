import pytest
from django.contrib import auth
from django.contrib.auth.models import Group

from accounts import operations
from accounts.models import User
from accounts.sync import groups
from tests.fakes.tokens import id_token, key_set
from tests.wire import Reply

pytestmark = pytest.mark.django_db


@pytest.fixture
def mapped(settings):
    settings.ACCOUNTS_GROUPS = {"support": "Support", "billing": "Money", "cash": "Money"}
    return settings


@pytest.fixture
def person(phone) -> User:
    return User.objects.for_identity("sub-1", phone)


def names(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def test_mapped_groups_are_exactly_those_of_the_pool(mapped, person):
    groups.apply(person, frozenset({"support", "cash"}))
    assert names(person) == {"Support", "Money"}
    groups.apply(person, frozenset({"billing"}))
    assert names(person) == {"Money"}
    groups.apply(person, frozenset())
    assert names(person) == set()


def test_groups_outside_the_map_are_left_alone(mapped, person):
    person.groups.add(Group.objects.create(name="Choir"))
    groups.apply(person, frozenset({"support", "choir", "Choir"}))
    assert names(person) == {"Choir", "Support"}
    groups.apply(person, frozenset())
    assert names(person) == {"Choir"}


def test_group_that_was_missing_is_made_without_permissions(mapped, person):
    groups.apply(person, frozenset({"support"}))
    assert not Group.objects.get(name="Support").permissions.exists()
    assert not Group.objects.exclude(name="Support").exists()


def test_groups_that_are_right_are_not_written_again(mapped, person, django_assert_num_queries):
    groups.apply(person, frozenset({"support"}))
    with django_assert_num_queries(1):
        groups.apply(person, frozenset({"support"}))


def test_without_settings_no_group_means_anything(person, django_assert_num_queries):
    assert not groups.are_configured()
    with django_assert_num_queries(0):
        groups.apply(person, frozenset({"support", "operators"}))


def test_operators_follow_the_pool_where_that_is_wanted(settings, person):
    settings.ACCOUNTS_STAFF_GROUP = "operators"
    groups.apply(person, frozenset({"operators"}))
    person.refresh_from_db()
    assert (person.is_staff, person.is_superuser) == (True, False)
    groups.apply(person, frozenset({"operator", "Operators"}))
    person.refresh_from_db()
    assert person.is_staff is False


def test_order_that_cognito_has_yet_to_take_is_newer_than_its_word(mapped, person):
    mapped.ACCOUNTS_STAFF_GROUP = "operators"
    operations.order("unmake_staff", person, by=None)
    groups.apply(person, frozenset({"operators", "support"}))
    person.refresh_from_db()
    assert (person.is_staff, names(person)) == (False, set())


def test_operators_are_managed_here_alone_where_no_group_is_named(person):
    User.objects.update(is_staff=True)
    person.refresh_from_db()
    groups.apply(person, frozenset())
    person.refresh_from_db()
    assert person.is_staff is True


@pytest.mark.parametrize("is_superuser", [True, False])
def test_superusers_are_never_touched(settings, person, is_superuser):
    settings.ACCOUNTS_STAFF_GROUP = "operators"
    settings.ACCOUNTS_GROUPS = {"superuser": "Support", "is_superuser": "Support"}
    User.objects.update(is_superuser=is_superuser)
    person.refresh_from_db()
    for theirs in ({"superuser", "is_superuser", "operators"}, set()):
        groups.apply(person, frozenset(theirs))
        assert User.objects.get().is_superuser is is_superuser


# At the sign-in


@pytest.fixture
def keys(wire, mapped):
    wire.will(Reply(key_set()))
    mapped.COGNITO_JWKS_URL = wire.url
    mapped.ACCOUNTS_STAFF_GROUP = "operators"


def sign_in(**claims) -> User:
    return auth.authenticate(id_token=id_token("sub-1", **claims), sub="sub-1")


def test_sign_in_brings_the_groups_of_the_pool(keys, person):
    user = sign_in(**{"cognito:groups": ["support", "operators"]})
    assert (names(user), user.is_staff) == ({"Support"}, True)
    user = sign_in()
    assert (names(user), user.is_staff) == (set(), False)


@pytest.mark.parametrize(
    "claims",
    [
        {"custom:groups": ["operators", "support"]},
        {"groups": ["operators", "support"]},
        {"locale": "operators"},
        {"cognito:roles": ["operators"]},
        {"cognito:groups": "operators"},
        {"cognito:groups": {"operators": True}},
        {"cognito:groups": [["operators"], {"support": 1}, None, 7]},
        {"cognito:groups": 1},
        {"cognito:groups": ["operators ", "SUPPORT", "support\u0000", ""]},
        {"cognito:groups": [f"group-{n}" for n in range(10_000)]},
    ],
)
def test_claim_that_is_no_group_of_ours_gives_nothing(keys, person, claims):
    user = sign_in(**claims)
    assert (names(user), user.is_staff, user.is_superuser) == (set(), False, False)
    assert not Group.objects.exists()


def test_ten_thousand_groups_cost_no_more_queries_than_one(
    keys, person, django_assert_max_num_queries
):
    claimed = [*(f"group-{n}" for n in range(10_000)), "support"]
    sign_in()
    with django_assert_max_num_queries(30):
        assert names(sign_in(**{"cognito:groups": claimed})) == {"Support"}


def test_somebody_who_is_shut_out_gets_no_groups(keys, person):
    User.objects.update(is_active=False)
    assert sign_in(**{"cognito:groups": ["support", "operators"]}) is None
    person.refresh_from_db()
    assert (names(person), person.is_staff) == (set(), False)
