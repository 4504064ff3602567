"""``make bench WHAT=timing``: can whoever only watches the clock tell who has an account?

The site, the triggers and the front that is as strict as Cognito. The numbers of each kind come by
turns, so that what else the machine does falls on all alike; texts leave at once here, which makes
every difference stand out more than on AWS:

    member     signed in here before
    disabled   the same, disabled in Cognito a moment ago, and nothing here knows it yet
    stranger   nobody's number, while sign-up is open
    nobody     nobody's number, while sign-up is closed

An AUC of 0.5 says that a single try tells nothing, 1 and 0 that it tells all. Exits with 1 outside
0.45 to 0.55.
"""

import os
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROUNDS = int(os.environ.get("ROUNDS", "60"))
WANTED = (0.45, 0.55)
GENEROUS = {
    "SendsPerCountryHour": "100000",
    "SendsPerPoolHour": "100000",
    "SendsPerPoolDay": "100000",
}
Samples = dict[str, list[float]]


def auc(one: list[float], other: list[float]) -> float:
    """Return how often a sample of ``other`` is longer than one of ``one``; ties count half."""
    wins = sum((b > a) + (b == a) / 2 for a in one for b in other)
    return wins / (len(one) * len(other))


def main() -> int:
    from localcloud.cloud import Cloud
    from tests.fakes.cognito_front.front import CognitoFront

    with (
        tempfile.TemporaryDirectory() as scratch,
        Cloud(Path(scratch) / "cloud", parameters=GENEROUS) as cloud,
        CognitoFront(cloud) as front,
    ):
        emulator = cloud.environment["AWS_ENDPOINT_URL"]
        os.environ.update(
            {
                **{
                    name: value.replace(emulator, front.url)
                    for name, value in cloud.environment.items()
                },
                "ENV_FILE": os.devnull,
                "DJANGO_SETTINGS_MODULE": "localcloud.settings",
                "NO_PROXY": "*",
                **{
                    f"ACCOUNTS_{each}": "1000000/minute"
                    for each in (
                        *("PHONE_POSTS", "SENDS", "WRONG_CODES", "SIGN_UPS"),
                        *("SIGN_UPS_PER_BLOCK", "SIGN_UPS_PER_COUNTRY"),
                    )
                },
            }
        )
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        samples = measured()
    return told(samples)


def measured() -> tuple[Samples, Samples]:
    """Return the seconds of the step with the number, and of that with a wrong code, by kind."""
    from django.conf import settings
    from django.test import Client

    from accounts.aws import cognito
    from accounts.conf import conf
    from accounts.models import User

    gateway = cognito.gateway()

    def member(place: int, area: int) -> str:
        phone = f"+1{area}{200 + place % 700}{1000 + place // 700:04d}"
        made = gateway.create_user(phone)
        User.objects.create(pool=conf.user_pool_id, sub=made.sub, phone=phone, phone_verified=True)
        return phone

    def disabled(place: int) -> str:
        phone = member(place, 202)
        gateway.disable(User.objects.get(phone=phone).sub)
        return phone

    kinds = {
        "member": lambda place: member(place, 201),
        "disabled": disabled,
        "stranger": lambda place: f"+1203{200 + place % 700}{1000 + place // 700:04d}",
        "nobody": lambda place: f"+1205{200 + place % 700}{1000 + place // 700:04d}",
    }
    starts: Samples = defaultdict(list)
    answers: Samples = defaultdict(list)
    for place in range(-5, ROUNDS):
        for kind in random.sample(list(kinds), len(kinds)):
            phone = kinds[kind](place + 5)
            settings.ACCOUNTS_SIGN_UP = "open" if kind == "stranger" else "closed"
            browser = Client(HTTP_HOST="localhost")
            browser.get("/accounts/login/")
            started = time.perf_counter()
            answer = browser.post("/accounts/login/", {"phone": phone})
            start = time.perf_counter() - started
            if answer.status_code == 503:
                # The machine was too busy for a trigger's five seconds.
                continue
            assert answer.status_code == 302, answer.status_code
            started = time.perf_counter()
            answer = browser.post("/accounts/login/code/", {"code": "000000"})
            wrong = time.perf_counter() - started
            if answer.status_code == 503:
                continue
            assert answer.status_code == 200, answer.status_code
            # The first ones are those of a cold site.
            if place >= 0:
                starts[kind].append(start)
                answers[kind].append(wrong)
    return starts, answers


def told(samples: tuple[Samples, Samples]) -> int:
    bad = 0
    for step, took in zip(("number", "wrong code"), samples, strict=True):
        base = took["member"]
        for kind, each in took.items():
            ratio = statistics.median(each) / statistics.median(base)
            line = (
                f"{step:11} {kind:9} median {statistics.median(each) * 1000:5.0f} ms  x{ratio:.2f}"
            )
            if kind != "member":
                area = auc(base, each)
                is_bad = not WANTED[0] <= area <= WANTED[1]
                bad += is_bad
                line += f"  AUC {area:.2f}{'  <' if is_bad else ''}"
            print(line)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
