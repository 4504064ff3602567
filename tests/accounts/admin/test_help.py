"""Help on every page, the front page of operators with few rights, and the header."""

import re

import pytest
from django.contrib import admin as django_admin
from django.test import Client

from accounts.models import SignInEvent, User
from tests.accounts.admin.pages import ENTRIES, LIST, act_on, do, helper, page_of
from tests.accounts.operators import make_operator
from tests.fakes.user_pool import OUTAGE
from tests.pages import signed_in, text

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.pages,
    pytest.mark.usefixtures("everybody"),
]

HELP = "/admin/help/"


def help_link(page) -> str:
    return re.findall(r'href="(/admin/help/[^"]*)"', text(page))[0]


def named(page) -> set[str]:
    return set(re.findall(r'<h2 id="help-(\w+)"', text(page)))


def test_help_has_a_part_with_steps_for_every_page(admin):
    page = admin.get(HELP)
    models = {model._meta.model_name for model in django_admin.site._registry}
    assert named(page) == {*models, "overview", "common"}
    for part in text(page).split('<section class="panel"')[1:]:
        assert part.count("<li>") >= 2, part[:80]
    for model, pages in django_admin.site._registry.items():
        assert str(pages.about) in " ".join(text(page).split()), model


def test_every_page_leads_to_its_part_of_the_help(admin, person):
    event = SignInEvent.objects.create(kind="started", reference="K7F-2Q")
    events = "/admin/accounts/signinevent/"
    for address, part in (
        ("/admin/", "overview"),
        (LIST, "user"),
        (page_of(person), "user"),
        (act_on("disable", person), "user"),
        (events, "signinevent"),
        (f"{events}{event.pk}/change/", "signinevent"),
        (ENTRIES, "logentry"),
        (f"{LIST}time-zone/", "common"),
    ):
        link = help_link(admin.get(address))
        assert link == f"{HELP}#help-{part}", address
        assert part in named(admin.get(link))


def test_help_is_of_pages_that_the_operator_may_open(person):
    client = helper("view_phone")
    page = client.get(HELP)
    assert named(page) == {"user", "common"}
    assert "See whole numbers" in text(page)
    assert "Delete people" not in text(page)


def test_help_is_for_operators_alone(client: Client, person):
    assert client.get(HELP).status_code == 302
    client.force_login(person)
    assert client.get(HELP, follow=True).status_code == 403


# The front page


def test_operator_who_may_not_see_sign_ins_sees_what_they_may_do():
    page = text(helper("unlock_user").get("/admin/"))
    assert f'<a href="{LIST}">Users</a>' in page
    assert "Everybody who has signed in or was invited." in " ".join(page.split())
    rights = page.partition('id="rights"')[2].partition("</ul>")[0]
    assert re.findall("<li>(.*?)</li>", rights) == [
        "See people, with their devices and what was done to them",
        "Unlock held numbers",
    ]
    assert "overview-figures" not in page


def test_operator_without_rights_is_told_who_can_give_them():
    page = text(signed_in(make_operator(3)).get("/admin/"))
    assert "You are an operator, and may not see or do anything yet." in page
    assert "What you may do" not in page


def test_operator_who_may_see_sign_ins_sees_the_figures():
    page = text(helper("view_signinevent").get("/admin/"))
    assert "overview-figures" in page
    assert "own-pages" not in page


def test_front_page_has_the_last_operations_of_the_operator_alone(admin, pool, person):
    assert "You have ordered nothing yet." in text(admin.get("/admin/"))
    other = helper("disable_user")
    do(other, "disable", person)
    pool.faults["AdminEnableUser"] = OUTAGE
    do(admin, "enable", person)
    page = text(admin.get("/admin/")).partition('id="own-orders"')[2].partition("</section>")[0]
    assert f'<a href="{page_of(person)}">enable: {person}</a>' in page
    assert ">waiting</span>" in page
    assert "disable:" not in page
    User.objects.get(sub="sub-of-operator-7").user_permissions.clear()
    assert "own-orders" not in text(other.get("/admin/"))


# The header


def test_language_is_chosen_in_the_header_and_the_page_stays(admin, person):
    page = admin.get(f"{LIST}?staff=yes")
    header = text(page).partition("<header")[2].partition("</header>")[0]
    assert 'action="/accounts/language/"' in header
    assert 'name="next" value="/admin/accounts/user/?staff=yes"' in header
    sent = {"language": "fr", "next": f"{LIST}?staff=yes"}
    assert admin.post("/accounts/language/", sent).url == f"{LIST}?staff=yes"
    assert 'lang="fr"' in text(admin.get(LIST)).partition("<head>")[0]


def test_language_buttons_are_outside_of_a_form_with_a_phone(admin, person):
    page = text(admin.get(act_on("change-number", person)))
    assert 'name="phone"' in page
    assert 'form="typed"' not in page
