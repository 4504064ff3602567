"""Passkeys against the real triggers: no text, no way past the site, one account."""

import pytest

from accounts.aws import cognito, statements
from accounts.models import Passkey, Session, SignInEvent, User
from tests.authenticator import Authenticator
from tests.end_to_end.conftest import both_fronts
from tests.login_steps import sign_in as sign_in_by_code
from tests.login_steps import who
from tests.passkey_steps import browser, make, sign_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def device(on_cloud) -> Authenticator:
    return Authenticator()


@pytest.fixture
def owner(device, phone, texts) -> User:
    """Somebody who has signed in by a code and made a passkey."""
    client = browser()
    sign_in_by_code(client, phone, texts)
    make(client, device)
    return who(client)


@both_fronts
def test_touch_signs_in_without_a_text(owner, device, phone, texts):
    before = len(texts(phone))
    client = browser()
    assert sign_in(client, device).status_code == 302
    assert who(client) == owner
    assert len(texts(phone)) == before
    assert User.objects.count() == 1
    assert Passkey.objects.get().last_used_at
    done = SignInEvent.objects.filter(kind="succeeded").latest("pk")
    assert (done.user, done.reason, done.seconds) == (owner, "passkey", None)
    assert Session.objects.filter(user=owner, ended_at=None).count() == 2


@both_fronts
def test_removed_and_disabled_people_are_refused_with_the_same_words(owner, device):
    client = browser()
    cognito.gateway().disable(owner.sub)
    assert sign_in(client, device)["Location"] == "/accounts/login/"
    assert who(client) is None
    cognito.gateway().enable(owner.sub)
    Passkey.objects.all().delete()
    assert sign_in(client, device)["Location"] == "/accounts/login/"
    reasons = SignInEvent.objects.filter(kind="failed").values_list("reason", flat=True)
    assert list(reasons.order_by("pk")) == ["refused", "passkey_unknown"]


@both_fronts
def test_secrets_of_the_clients_alone_give_nobody_tokens(owner, device, settings):
    """Somebody who has both, straight at Cognito, but not the site's key."""
    settings.SITE_KEY = "stolen-but-not-this-one-" * 2
    with pytest.raises(cognito.Refused):
        cognito.site_gateway().sign_in_proven(owner.sub, methods=("hwk", "mfa", "user"))
    gateway = cognito.site_gateway()
    for answer in ("", "000000", "v1.mfa.1700000000." + "0" * 64):
        with pytest.raises(cognito.Refused):
            gateway.answer_challenge(gateway.start_challenge(owner.sub), answer or " ")


@both_fronts
def test_statement_for_one_person_gives_no_other_ones_tokens(owner, device, make_phone):
    other = cognito.gateway().create_user(make_phone()).sub
    gateway = cognito.site_gateway()
    asked = gateway.start_challenge(owner.sub)
    answer = statements.proven(sub=other, challenge=asked.challenge, methods=("mfa",))
    with pytest.raises(cognito.Refused):
        gateway.answer_challenge(asked, answer)


@both_fronts
def test_client_of_codes_takes_no_statement_in_place_of_a_code(owner, device):
    gateway = cognito.gateway()
    asked = gateway.start_challenge(owner.phone)
    assert asked.kind == "code"
    answer = statements.proven(sub=owner.sub, challenge="", methods=("mfa",))
    assert gateway.answer_challenge(asked, answer).tries_left == 2
