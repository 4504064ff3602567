"""Accounts that nobody proved, on the local AWS, with no more than the site's own rights."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.aws import cognito, cognito_values
from accounts.models import User
from accounts.sync import unproven_accounts

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

LOGIN, CODE = "/accounts/login/", "/accounts/login/code/"
DAY = 24 * 60 * 60


@pytest.fixture
def site(on_cloud, settings):
    settings.LEDGER_FUNCTION = on_cloud.outputs["LedgerFunction"]
    return settings


def purge(days: float = 31) -> unproven_accounts.Outcome:
    return unproven_accounts.purge(timezone.now() + timedelta(days=days), pace=lambda: None)


def test_number_that_a_stranger_typed_is_forgotten_and_may_sign_up_again(
    site, client, phone, texts, age_ledger
):
    client.post(LOGIN, {"phone": phone})
    sub = cognito.gateway().find_user(phone).sub
    assert (purge(29).removed, purge().put_off) == ([], 1)
    age_ledger(2 * DAY)
    assert [each.split()[0] for each in purge(33).removed] == [sub]
    with pytest.raises(cognito.UnknownUser):
        cognito.gateway().find_user(phone)
    later = Client()
    later.post(LOGIN, {"phone": phone})
    code = re.match(r"\d+", texts(phone)[-1])[0]
    assert later.post(CODE, {"code": code}).url == "/"
    assert User.objects.get(phone=phone).sub != sub


def test_account_that_signs_in_past_the_site_stays(site, client, phone, texts, age_ledger):
    """An app writes nothing here, and nothing into the account: the triggers alone know of it."""
    client.post(LOGIN, {"phone": phone})
    gateway = cognito.gateway()
    age_ledger(3600)
    challenge = gateway.start_challenge(phone)
    code = re.match(r"\d+", texts(phone)[-1])[0]
    assert isinstance(gateway.answer_challenge(challenge, code), cognito_values.Tokens)
    age_ledger(2 * DAY)
    outcome = purge()
    assert (outcome.removed, outcome.kept) == ([], 1)
    assert gateway.find_user(phone)
