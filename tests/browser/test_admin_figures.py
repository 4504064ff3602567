"""The admin's front page and its events in a real browser: figures, one attempt, both themes."""

import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts import phones
from accounts.aws import ledger
from accounts.events import audit, sign_ins, stats
from accounts.models import Operation, SignInEvent, User
from tests.browser.conftest import assert_accessible
from tests.wire import Reply

DEVICES = ("iPhone", "Chrome on Android", "Firefox on Windows", "Safari on Mac OS X")
TODAY = datetime.now(UTC).date().isoformat()
WHAT_THE_TRIGGERS_SAY = {
    "sent": [
        {"day": TODAY, "country": country, "count": count}
        for country, count in (("US", 2141), ("GB", 652), ("FR", 309))
    ],
    "blocked": [
        {"day": TODAY, "country": country, "reason": reason, "count": count}
        for country, reason, count in (
            ("US", "phone_hour", 31),
            ("", "unknown", 26),
            ("GB", "block", 13),
            ("US", "held", 9),
            ("FR", "landline", 4),
        )
    ],
}
NETWORK = "203.0.113.0/24"


@pytest.fixture
def folder(tmp_path: Path, project: Path) -> Path:
    """Where the pictures go: into docs/ when asked for, else away with the test."""
    return project / "docs" / "images" if os.environ.get("PICTURES") else tmp_path


def a_month_of_sign_ins(users: list[User]) -> None:
    """Write a month of events, busier by day than by night."""
    draw = random.Random(7)
    now = timezone.now()
    made: list[SignInEvent] = []
    for hours_ago in range(30 * 24):
        at = now - timedelta(hours=hours_ago)
        busy = 2 + 9 * (1 - abs(at.hour - 14) / 14) * (0.55 if at.weekday() > 4 else 1)
        for _ in range(draw.randrange(max(1, int(busy / 2)), int(busy) + 2)):
            began = at - timedelta(seconds=draw.randrange(3000))
            user = draw.choice(users)
            facts = {
                "user": user,
                "phone": phones.mask(user.phone),
                "phone_key": sign_ins.phone_key(user.phone),
                "country": draw.choice(("US",) * 7 + ("GB", "GB", "FR")),
                "device": draw.choice(DEVICES),
                "network": NETWORK,
                "attempt": f"a{len(made)}",
                "reference": sign_ins.draw_reference(),
            }

            def step(kind: str, second: float, facts=facts, began=began, **more) -> None:
                made.append(
                    SignInEvent(kind=kind, at=began + timedelta(seconds=second), **facts, **more)
                )

            step("started", 0)
            if draw.random() < 0.06:
                step("blocked", 0.4, reason=draw.choice(("network", "unknown", "landline")))
                continue
            step("sent", 0.4)
            if draw.random() < 0.12:
                step("failed", 20, reason="wrong_code")
            if draw.random() < 0.93:
                wait = int(8 + draw.expovariate(1 / 14))
                step("succeeded", wait, seconds=wait)
                if draw.random() < 0.02:
                    step("taken_over", wait)
            else:
                step("failed", 301, reason=draw.choice(("expired", "over", "unavailable")))
    SignInEvent.objects.bulk_create(made)


def a_crossed_attempt(user: User) -> SignInEvent:
    """Asked for on a computer, typed on a phone after one wrong code."""
    now = timezone.now() - timedelta(seconds=90)
    facts = {
        "user": user,
        "phone": phones.mask(user.phone),
        "phone_key": sign_ins.phone_key(user.phone),
        "country": "US",
        "reference": "K7F-2Q",
    }
    made = [
        SignInEvent.objects.create(
            kind=kind,
            at=now + timedelta(seconds=second),
            attempt=attempt,
            device=device,
            network=network,
            **facts,
            **more,
        )
        for second, kind, attempt, device, network, more in (
            (0, "started", "c1", "Firefox on Windows", NETWORK, {}),
            (1, "sent", "c1", "Firefox on Windows", NETWORK, {}),
            (17, "started", "c2", "iPhone", "198.51.100.0/24", {}),
            (18, "sent", "c2", "iPhone", "198.51.100.0/24", {}),
            (33, "failed", "c2", "iPhone", "198.51.100.0/24", {"reason": "wrong_code"}),
            (
                44,
                "succeeded",
                "c2",
                "iPhone",
                "198.51.100.0/24",
                {"seconds": 43, "crossed": True, "overlaps": 1},
            ),
        )
    ]
    return made[4]


@pytest.fixture
def operator_page(page: Page, site, phone, settings, wire) -> Page:
    people = [
        User.objects.create(
            pool=settings.COGNITO_USER_POOL_ID,
            sub=f"sub-{n}",
            phone=f"{phone[:-4]}{37 * n + 123:04d}",
            name=name,
            sharing=sharing,
            sharing_at=timezone.now(),
        )
        for n, (name, sharing) in enumerate(
            [
                ("Ada Byron", 2),
                ("Grace Hopper", 1),
                ("Mary Jackson", 1),
                ("Hedy Lamarr", 0),
                ("Annie Easley", 0),
            ]
        )
    ]
    a_month_of_sign_ins(people)
    a_crossed_attempt(people[0])
    stats.roll_up(timezone.now())
    settings.AWS_ENDPOINT_URL = wire.url
    settings.LEDGER_FUNCTION = "phone-login-ledger-test"
    wire.will(Reply(WHAT_THE_TRIGGERS_SAY))
    ledger.overview(30)
    operator = User.objects.for_identity("sub-of-an-operator", f"{phone[:-4]}0999")
    operator.is_staff = operator.is_superuser = True
    operator.save()
    client = Client()
    client.force_login(operator)
    cookie = client.cookies["sessionid"]
    page.context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": site}])
    page.set_viewport_size({"width": 1280, "height": 800})
    return page


def assert_rows_accessible(page: Page) -> None:
    """Let axe see the first rows of a list, which are like the others."""
    page.evaluate(
        "for (const row of document.querySelectorAll('tbody tr:nth-child(n+7)')) row.remove()"
    )
    assert_accessible(page)


def test_operator_reads_the_figures_and_finds_one_attempt(operator_page: Page, site, folder):
    page = operator_page
    page.goto(f"{site}/admin/")
    expect(page.get_by_role("heading", name="The last 24 hours")).to_be_visible()
    expect(page.get_by_role("cell", name="the budget of neighbouring numbers")).to_be_visible()
    assert_accessible(page)
    page.screenshot(path=folder / "overview.png", full_page=True)
    for summary in page.get_by_text("As a table").all():
        summary.click()
    expect(page.get_by_role("columnheader", name="Share").first).to_be_visible()
    assert_rows_accessible(page)

    page.get_by_role("link", name="Sign-in events").first.click()
    expect(page.locator("#result_list tbody tr")).to_have_count(50)
    page.screenshot(path=folder / "events.png")
    assert_rows_accessible(page)
    page.locator("#searchbar").fill("k7f2q")
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(6)
    page.locator("#result_list tbody tr", has_text="failed").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    expect(page.locator(".timeline [aria-current]")).to_contain_text("the code was wrong")
    expect(page.get_by_text("asked for on another device")).to_be_visible()
    assert_accessible(page)
    page.screenshot(path=folder / "attempt.png", full_page=True)

    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 800})
    for address in (page.url, f"{site}/admin/accounts/signinevent/", f"{site}/admin/"):
        page.goto(address)
        # Nothing but what scrolls by itself is wider than a phone.
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert_rows_accessible(page)


@pytest.mark.parametrize(
    "name", ["accounts/user", "accounts/signinevent", "accounts/operation", "auditlog/logentry"]
)
def test_list_has_room_in_the_window_of_a_small_laptop(operator_page: Page, site, name):
    page, person = operator_page, User.objects.get(name="Ada Byron")
    reason = "Called from the shop: the phone was stolen."
    User.objects.update(last_login=timezone.now())
    Operation.objects.create(
        kind="sign_out", state="done", user=person, who="+1••••••••23", reason=reason
    )
    page.goto(f"{site}/admin/{name}/")
    rows = page.locator("#changelist .results")
    expect(rows.locator("tbody tr").first).to_be_visible()
    wide, place = rows.evaluate("it => [it.scrollWidth, it.clientWidth]")
    assert wide <= place


def test_operator_looks_further_back_and_reads_who_changed_what(operator_page: Page, site):
    page = operator_page
    person = User.objects.get(name="Ada Byron")
    operator = User.objects.get(sub="sub-of-an-operator")
    with audit.acting(operator, reason="Called from the shop: the phone was stolen."):
        person.is_active = False
        person.save()
    page.goto(f"{site}/admin/")
    page.get_by_role("link", name="90 days", exact=True).click()
    expect(page.get_by_role("heading", name="The last 90 days")).to_be_visible()
    chosen = page.get_by_role("link", name="90 days", exact=True)
    expect(chosen).to_have_attribute("aria-current", "page")
    assert_rows_accessible(page)

    page.get_by_role("link", name="Help", exact=True).click()
    expect(page).to_have_url(f"{site}/admin/help/#help-overview")
    assert_accessible(page)
    page.goto(f"{site}/admin/auditlog/logentry/")
    page.get_by_label("From").fill(timezone.localdate().isoformat())
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("cell", name="the phone was stolen")).to_be_visible()
    page.locator("#searchbar").fill("hedy")
    page.keyboard.press("Enter")
    expect(page.get_by_role("cell", name="the phone was stolen")).to_have_count(0)
    page.locator("#searchbar").fill("ada")
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    assert_accessible(page)
    page.locator("#result_list tbody tr").first.get_by_role("link").click()
    expect(page.get_by_role("row", name="active yes no")).to_be_visible()
    assert_accessible(page)

    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 800})
    for name, address in {
        "entry": page.url,
        "help": f"{site}/admin/help/",
        "overview-90-days": f"{site}/admin/?range=quarter",
        "reason": f"{site}/admin/accounts/user/act/disable/?ids={person.pk}",
    }.items():
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        assert_rows_accessible(page)
    page.get_by_text("Language: English").click()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_text("Sprache: Deutsch")).to_be_visible()


def test_operator_with_few_rights_finds_what_they_may_do(operator_page: Page, site):
    page = operator_page
    few = Permission.objects.filter(codename__in=["view_user", "unlock_user", "view_recovery"])
    operator = User.objects.get(sub="sub-of-an-operator")
    operator.is_superuser = False
    operator.save()
    operator.user_permissions.set(few)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{site}/admin/")
        expect(page.get_by_role("heading", name="What you may do")).to_be_visible()
        expect(page.get_by_role("heading", name="Recoveries")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert_accessible(page)
