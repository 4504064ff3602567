"""Owners who did not ask for a code stop the texts: through the site, with the real triggers."""

import io
import re

import pytest
from django.core.management import call_command
from django.test import Client

from tests.codes import code_in
from tests.login_steps import answer, ask, is_signed_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]


def test_owner_stops_what_a_stranger_asked_for(on_cloud, settings, phone, texts, age_ledger):
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]
    settings.LEDGER_FUNCTION = on_cloud.outputs["LedgerFunction"]
    stranger, owner = Client(), Client()
    ask(stranger, phone)
    [text] = texts(phone)
    address = re.search(r"/no/[A-Z0-9]{5}", text)[0]

    assert "Texts are stopped" in owner.post(address, {"phone": phone}).content.decode()

    answer(stranger, code_in(text))
    assert not is_signed_in(stranger)
    age_ledger(31)
    assert ask(Client(), phone).status_code == 302
    assert len(texts(phone)) == 1
    shown = io.StringIO()
    call_command("ledger", "show", phone, stdout=shown)
    assert "texts stopped by their owner until" in shown.getvalue()

    assert "allowed again" in owner.post(address, {"phone": phone, "allow": 1}).content.decode()
    age_ledger(61)
    ask(owner, phone)
    answer(owner, code_in(texts(phone)[-1]))
    assert is_signed_in(owner)
