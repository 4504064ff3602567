"""A local AWS that can call, write by WhatsApp and mail, and what it was asked to send."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from django.test import Client

from accounts.login import pending
from localcloud import inbox
from localcloud.__main__ import EVERY_CHANNEL, GENEROUS
from localcloud.cloud import Cloud
from localcloud.warm_up import warm_up
from tests import ledger_age, site_settings
from tests.fakes.cognito_front.front import CognitoFront


@dataclass
class ChannelStack:
    """The deployed functions, with a strict front before them."""

    cloud: Cloud
    front: CognitoFront

    def serve(self, settings, monkeypatch) -> None:
        """Point the site of this process at it."""
        site_settings.connect(self.cloud, settings, monkeypatch, front=self.front.url)
        environment = self.cloud.environment
        settings.TEXTS_FUNCTION = environment["TEXTS_FUNCTION"]
        settings.ACCOUNTS_EMAIL = environment["ACCOUNTS_EMAIL"] == "true"
        self.cloud.messaging.refuses = ""
        self.front.records.clear()
        self.front.heal()

    def texts(self, phone: str) -> list[inbox.Text]:
        """The texts to a phone, oldest first."""
        return inbox.texts(self.cloud.emulator.url, phone)

    def others(self, to: str) -> list[inbox.Text]:
        """What went to a phone or an address by another channel, oldest first of each channel."""
        found = inbox.others(self.cloud.emulator.url, self.cloud.messaging.url)
        return [each for each in found if each.phone == to]

    def give_address(self, phone: str, address: str, *, is_verified: bool = True) -> None:
        """Write an e-mail address on an account."""
        api = self.cloud.root_session().client("cognito-idp", endpoint_url=self.cloud.emulator.url)
        api.admin_update_user_attributes(
            UserPoolId=self.cloud.environment["COGNITO_USER_POOL_ID"],
            Username=phone,
            UserAttributes=[
                {"Name": "email", "Value": address},
                {"Name": "email_verified", "Value": str(is_verified).lower()},
            ],
        )

    def wait_for_the_ledger(self, seconds: int = 31) -> None:
        """Let the ledger believe that the first wait is over."""
        ledger_age.put_back(self.cloud, seconds)

    def wait(self, client: Client, seconds: int = 31) -> None:
        """Let the ledger and a browser believe that the first wait is over."""
        self.wait_for_the_ledger(seconds)
        request = client.get("/accounts/login/").wsgi_request
        found = pending.load(request)
        earlier = replace(found.code, resend_at=int(time.time()))
        pending.store(request, replace(found, challenge=earlier))


@contextmanager
def running(state: Path) -> Iterator[ChannelStack]:
    """Deploy a stack of its own."""
    with Cloud(state, parameters=GENEROUS | EVERY_CHANNEL) as cloud:
        warm_up(cloud)
        with CognitoFront(cloud) as front:
            yield ChannelStack(cloud, front)
