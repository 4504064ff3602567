"""``make bench WHAT=ways``: what each way to sign in takes, from a typed number to the session.

The site runs in this process, before the real triggers on a local AWS, so the milliseconds are
those of all three on one machine: they compare the ways, and promise nothing. Calls and messages
are counted. Somebody new signs in for each sample.
"""

import argparse
import logging
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import report, turns
from tests.bench.report import Section

if TYPE_CHECKING:
    from django.test import Client

    from tests.channel_stack import ChannelStack
    from tests.wire import Recorder

SAMPLES = 20
_LINK = re.compile(r"https://localhost(/accounts/login/link/[A-Z0-9]{5}/[A-Za-z0-9_-]{27}/)")
_MESSAGES = {"text": "texts", "voice": "calls", "whatsapp": "WhatsApp", "email": "mails"}


@dataclass
class Taken:
    """``counts`` are calls and messages of all samples, ``seconds`` those of each."""

    seconds: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def row(self, name: str) -> list[str]:
        samples = len(self.seconds)
        columns = ("Cognito", "triggers", "functions", *_MESSAGES.values())
        return [
            name,
            f"{statistics.median(self.seconds) * 1000:.0f}",
            *(f"{self.counts[each] / samples * 1000:,.0f}" for each in columns),
        ]


class Person:
    """Somebody who signed in once, by text; ``address`` is their verified e-mail address."""

    def __init__(self, stack: "ChannelStack", recorder: "Recorder", phone: str) -> None:
        self.stack, self.phone, self.address = stack, phone, f"{phone[1:]}@example.org"
        self.numbers = [phone]
        self._recorder = recorder
        self.taken = Taken()
        self.browser = self.new_browser()

    def new_browser(self) -> "Client":
        from django.test import Client

        return Client(headers={"host": "localhost"})

    def join(self) -> None:
        self.sign_in_by_text(self.browser)
        self.stack.give_address(self.phone, self.address)

    def sign_in_by_text(self, browser: "Client") -> None:
        from tests.login_steps import answer, ask

        ask(browser, self.phone)
        answer(browser, self.code())

    def code(self, phone: str = "") -> str:
        from tests.codes import code_in

        return code_in(self.stack.texts(phone or self.phone)[-1].body)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Count what is done in this block. There may be several of them, with waits between."""
        before = self._so_far()
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            self.taken.seconds = [sum([took, *self.taken.seconds])]
            self.taken.counts += self._so_far() - before

    def _so_far(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for asked in self._recorder.requests:
            counts["Cognito" if asked.operation else "functions"] += "/jwks" not in asked.path
        counts["triggers"] = len(self.stack.front.records)
        counts["texts"] = sum(len(self.stack.texts(each)) for each in self.numbers)
        for message in (*self.stack.others(self.phone), *self.stack.others(self.address)):
            counts[_MESSAGES[message.channel]] += 1
        return counts


def by_text(person: Person) -> None:
    with person.measured():
        person.sign_in_by_text(person.new_browser())


def by_text_on_a_known_browser(person: Person) -> None:
    person.browser.post("/accounts/logout/")
    with person.measured():
        person.sign_in_by_text(person.browser)


def by_passkey(person: Person) -> None:
    from tests import passkey_steps
    from tests.authenticator import Authenticator

    device = Authenticator()
    passkey_steps.make(person.browser, device)
    with person.measured():
        passkey_steps.sign_in(person.new_browser(), device)


def by_channel(person: Person, channel: str) -> None:
    from tests.login_steps import RESEND, answer, ask

    browser = person.new_browser()
    with person.measured():
        ask(browser, person.phone)
    person.stack.wait(browser)
    with person.measured():
        browser.post(RESEND, {"channel": channel})
        answer(browser, person.code())


def by_link(person: Person) -> None:
    from tests.login_steps import RESEND, ask

    browser = person.new_browser()
    with person.measured():
        ask(browser, person.phone)
    person.stack.wait(browser)
    with person.measured():
        browser.post(RESEND, {"channel": "email"})
    found = _LINK.search(person.stack.others(person.address)[-1].body)
    assert found
    with person.measured():
        page = browser.get(found[1]).content.decode()
        hidden = r'type="hidden" name="(attempt|next)" value="([^"]*)"'
        browser.post(found[1], dict(re.findall(hidden, page)))


def by_backup_code(person: Person) -> None:
    page = person.browser.post("/accounts/backup-codes/").content.decode()
    code = re.findall("<code>(.*?)</code>", page)[0]
    with person.measured():
        person.new_browser().post("/accounts/login/backup/", {"phone": person.phone, "code": code})


def by_mail_alone(person: Person) -> None:
    from tests.login_steps import answer, ask

    browser = person.new_browser()
    with person.measured():
        ask(browser, person.phone, way="email")
        answer(browser, person.stack.others(person.address)[-1].code)


def by_second_number(person: Person) -> None:
    from tests.login_steps import answer

    second = f"{person.phone[:-4]}0199"
    person.browser.post("/accounts/second-number/", {"phone": second})
    person.browser.post("/accounts/second-number/code/", {"code": person.code(second)})
    browser = person.new_browser()
    person.numbers.append(second)
    with person.measured():
        asked = {"phone": person.phone, "way": "second_number"}
        browser.post("/accounts/login/backup/", asked)
        answer(browser, person.code(second))


WAYS: dict[str, Callable[[Person], None]] = {
    "text": by_text,
    "text, known browser": by_text_on_a_known_browser,
    "text, then call": partial(by_channel, channel="voice"),
    "text, then WhatsApp": partial(by_channel, channel="whatsapp"),
    "text, then mail": partial(by_channel, channel="email"),
    "text, then link of the mail": by_link,
    "mail alone": by_mail_alone,
    "second number": by_second_number,
    "passkey": by_passkey,
    "backup code": by_backup_code,
}


@contextmanager
def site(scratch: Path) -> Iterator[tuple["ChannelStack", "Recorder"]]:
    """Bring up a stack with every channel, and the site in this process."""
    import os

    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    import pytest
    from django.conf import settings
    from django.core.management import call_command
    from django.test import override_settings

    from tests import channel_stack, site_settings
    from tests.wire import Recorder

    call_command("migrate", verbosity=0)
    with ExitStack() as opened:
        stack = opened.enter_context(channel_stack.running(scratch))
        patch = opened.enter_context(pytest.MonkeyPatch.context())
        stack.serve(settings, patch)
        recorder = Recorder(stack.front.url)
        opened.callback(recorder.close)
        settings.AWS_ENDPOINT_URL = recorder.url
        site_settings.use(stack.cloud, settings, site_settings.KNOWN_CLIENT)
        site_settings.use(stack.cloud, settings, (*site_settings.SITE_CLIENT, "LEDGER_FUNCTION"))
        settings.ACCOUNTS_EMAIL_LOGIN = settings.ACCOUNTS_SECOND_NUMBER = True
        opened.enter_context(override_settings(**turns.GENEROUS))
        yield stack, recorder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--show", action="store_true", help="keep nothing")
    wanted = parser.parse_args()
    logging.disable(logging.INFO)
    found: dict[str, Taken] = {name: Taken() for name in WAYS}
    numbers = (f"+1{area}{block}0123" for area in range(201, 210) for block in range(200, 555))
    with (
        tempfile.TemporaryDirectory(prefix="bench-ways-") as scratch,
        site(Path(scratch)) as running,
    ):
        for _ in range(wanted.samples):
            for name, sign_in in WAYS.items():
                person = Person(*running, next(numbers))
                person.join()
                sign_in(person)
                found[name].seconds += person.taken.seconds
                found[name].counts += person.taken.counts
    head = [
        "way",
        "ms",
        "calls of Cognito",
        "of triggers",
        "of other functions",
        *_MESSAGES.values(),
    ]
    section = Section(
        "ways",
        "What each way to sign in takes",
        f"Medians of {wanted.samples} sign-ins, from the first form to the session: the site, the"
        " real triggers and a local AWS on one machine. Calls are those of the site, and runs of"
        " triggers by Cognito; they and messages are for 1,000 sign-ins.",
        [[head, *(taken.row(name) for name, taken in found.items())]],
    )
    if wanted.show:
        print(section.shown())
    else:
        report.keep(section)
    return 0


if __name__ == "__main__":
    sys.exit(main())
