"""Views of lists that operators save under a name."""

import html
import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.admin import saved_views
from accounts.models import SavedView, User
from tests.accounts.admin.pages import LIST, helper
from tests.accounts.operators import make_operator
from tests.pages import plain, said, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

SAVE, CHANGE, REMOVE = (f"{LIST}views/{name}/" for name in ("save", "change", "remove"))
EVENTS = "/admin/accounts/signinevent/"


@pytest.fixture
def client() -> Client:
    return helper()


@pytest.fixture
def operator(client) -> User:
    return User.objects.get(sub="sub-of-operator-7")


def links(page) -> dict[str, str]:
    """The views above the list, and where each leads."""
    found = re.search(
        r'<section class="saved-views".*?</section>', page.content.decode(), re.DOTALL
    )
    listed = re.findall(r'<li><a href="(.*?)".*?>(.*?)</a>', found[0] if found else "")
    return {html.unescape(name): html.unescape(address) for address, name in listed}


def save(client: Client, query: str, name: str = "Mine", at: str = SAVE, **more):
    return client.post(at, {"query": query, "name": name, **more}, follow=True)


def shared_by(number: int, **facts) -> SavedView:
    other = make_operator(number, name=f"Operator {number}")
    usual = {"list_name": "user", "name": "Theirs", "query": "staff=yes", "is_shared": True}
    return SavedView.objects.create(by=other, **usual | facts)


# Saving


def test_view_is_saved_and_leads_to_the_same_list(client):
    page = client.get(f"{LIST}?status=disabled&o=-7&p=2")
    assert 'name="query" value="o=-7&status=disabled"' in plain(page)
    page = save(client, "status=disabled&o=-7", "Shut out")
    assert page.redirect_chain == [(f"{LIST}?o=-7&status=disabled", 302)]
    assert said(page) == "The view “Shut out” is saved."
    assert links(page) == {"Shut out": "?o=-7&status=disabled"}
    assert 'aria-current="true">Shut out' in plain(page)
    assert "Save this view" not in plain(page)
    page = client.get(LIST)
    assert "aria-current" not in plain(page).partition("saved-views")[2].partition("</section>")[0]


def test_list_without_filters_offers_no_saving(client):
    page = plain(client.get(LIST))
    assert "Save this view" not in page
    assert "Saved views" not in page
    assert "Save this view" in plain(client.get(LIST, {"q": "Ana"}))


def test_view_belongs_to_its_list(client, operator):
    operator.user_permissions.add(Permission.objects.get(codename="view_signinevent"))
    save(client, "kind__exact=failed", "Failed", at=f"{EVENTS}views/save/")
    assert links(client.get(EVENTS)) == {"Failed": "?kind__exact=failed"}
    assert links(client.get(LIST)) == {}


@pytest.mark.parametrize(
    "query",
    [
        "status=disabled&next=//evil.example",
        "status=disabled&phone__startswith=%2B1",
        "status=disabled&p=3&e=1&_popup=1",
        "?status=disabled//evil.example&status=disabled",
    ],
)
def test_saved_query_has_parameters_of_the_list_alone(client, query):
    page = save(client, query)
    assert SavedView.objects.get().query == "status=disabled"
    assert page.redirect_chain == [(f"{LIST}?status=disabled", 302)]


@pytest.mark.parametrize(
    "query", ["", "//evil.example", "https://evil.example/", "next=//evil.example", "javascript:x"]
)
@pytest.mark.parametrize("address", [SAVE, CHANGE, REMOVE])
def test_no_form_leads_anywhere_else(client, operator, address, query):
    view = SavedView.objects.create(by=operator, list_name="user", name="A", query="staff=yes")
    page = client.post(address, {"query": query, "name": "B", "view": view.pk})
    assert page.url == LIST


def test_query_that_the_list_does_not_know_is_not_saved(client):
    assert "does not know these filters" in said(save(client, "status=a%00b"))
    assert "too long" in said(save(client, f"status={'x' * 500}"))
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("typed", ["%2B12015550123", "(201)+555-0123", "0123"])
def test_searched_number_is_not_kept(client, typed):
    page = save(client, f"q={typed}")
    assert "A search for a number is not saved" in said(page)
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\0b"])
def test_name_that_makes_no_sense_is_refused(client, name):
    page = save(client, "status=disabled", name)
    assert len(said(page)) > 10
    assert not SavedView.objects.exists()


def test_name_is_given_once(client):
    save(client, "status=disabled", "Mine")
    assert said(save(client, "staff=yes", "mine")) == "You have a view of this name."
    assert SavedView.objects.count() == 1


def test_name_is_shown_as_it_was_typed(client):
    name = "<script>alert(1)</script>"
    page = save(client, "status=disabled", name)
    assert "<script>alert(1)" not in page.content.decode()
    assert list(links(page)) == [name]


def test_operator_has_twenty_views_of_a_list(client, operator, monkeypatch):
    monkeypatch.setattr(saved_views, "MOST", 2)
    save(client, "status=disabled", "A")
    save(client, "staff=yes", "B")
    assert "Remove one first." in said(save(client, "held=held", "C"))
    assert "Save this view" not in plain(client.get(LIST, {"held": "held"}))
    assert SavedView.objects.count() == 2
    shared_by(8)
    assert list(links(client.get(LIST))) == ["A", "B", "Theirs"]


# Changing


def test_view_gets_another_name_and_goes(client, operator):
    save(client, "status=disabled")
    pk = SavedView.objects.get().pk
    page = client.post(CHANGE, {"view": pk, "name": "Other", "query": "staff=yes"}, follow=True)
    assert page.redirect_chain == [(f"{LIST}?staff=yes", 302)]
    assert links(page) == {"Other": "?status=disabled"}
    page = client.post(CHANGE, {"view": pk, "name": ""}, follow=True)
    assert SavedView.objects.get().name == "Other"
    page = client.post(REMOVE, {"view": pk, "query": "staff=yes"}, follow=True)
    assert said(page) == "The view “Other” is removed."
    assert links(page) == {}


@pytest.mark.parametrize("address", [SAVE, CHANGE, REMOVE])
def test_nothing_changes_without_a_press(client, operator, address):
    view = SavedView.objects.create(by=operator, list_name="user", name="A", query="staff=yes")
    client.get(address, {"view": view.pk, "name": "B", "query": "held=held"})
    assert SavedView.objects.get().name == "A"


@pytest.mark.parametrize("view", ["", "x", "²", "9" * 30, "999"])
def test_view_that_is_not_there_is_not_found(client, view):
    for address in (CHANGE, REMOVE):
        assert client.post(address, {"view": view, "name": "A"}).status_code == 404


# Of others


def test_views_of_others_are_shown_only_if_they_share_them(client):
    shared_by(8)
    shared_by(9, name="Private", is_shared=False)
    page = client.get(LIST)
    assert links(page) == {"Theirs": "?staff=yes"}
    assert "of Operator 8" in plain(page)
    assert "Change your views" not in plain(page)


def test_views_of_others_crowd_out_none_of_ones_own(client, operator):
    for number in (11, 12, 13):
        first = shared_by(number, name=f"A {number} 1")
        for more in range(2, saved_views.MOST + 1):
            SavedView.objects.create(
                by=first.by,
                list_name="user",
                name=f"A {number} {more}",
                query="q=a",
                is_shared=True,
            )
    save(client, "status=disabled", "Zebra")
    assert "Zebra" in links(client.get(LIST))
    assert list(client.get(LIST).context["own_views"]) == list(operator.saved_views.all())


def test_views_of_others_are_theirs_to_change(client):
    view = shared_by(8)
    for address in (CHANGE, REMOVE):
        page = client.post(address, {"view": view.pk, "name": "Mine now"})
        assert page.status_code == 404
    boss = signed_in(make_operator(3, is_superuser=True))
    assert boss.post(REMOVE, {"view": view.pk}).status_code == 404
    assert SavedView.objects.get().name == "Theirs"


def test_sharing_takes_a_right(client, operator):
    save(client, "status=disabled", is_shared="on")
    view = SavedView.objects.get()
    assert not view.is_shared
    assert "for all operators" not in plain(client.get(LIST, {"q": "Ana"}))
    client.post(CHANGE, {"view": view.pk, "name": "Mine", "is_shared": "on"})
    assert not SavedView.objects.get().is_shared
    operator.user_permissions.add(Permission.objects.get(codename="share_view"))
    assert "for all operators" in plain(client.get(LIST, {"q": "Ana"}))
    client.post(CHANGE, {"view": view.pk, "name": "Mine", "is_shared": "on"})
    assert SavedView.objects.get().is_shared
    assert links(helper(number=8).get(LIST)) == {"Mine": "?status=disabled"}
    client.post(CHANGE, {"view": view.pk, "name": "Mine"})
    assert not SavedView.objects.get().is_shared


def test_views_are_for_who_may_see_the_list(client):
    for name in ("save", "change", "remove"):
        address = f"{EVENTS}views/{name}/"
        page = client.post(address, {"query": "kind__exact=failed", "name": "A", "view": "1"})
        assert page.status_code == 403
    assert not SavedView.objects.exists()


def test_views_go_with_their_operator(client, operator):
    save(client, "status=disabled")
    operator.delete()
    assert not SavedView.objects.exists()


def test_views_cost_the_list_one_query(client, operator, django_assert_num_queries):
    client.get(LIST)
    with django_assert_num_queries(7):
        client.get(LIST)
    for n in range(20):
        SavedView.objects.create(by=operator, list_name="user", name=f"{n}", query=f"q=a{n}")
    shared_by(8)
    shared_by(9, name="Others")
    with django_assert_num_queries(7):
        page = client.get(LIST)
    assert len(links(page)) == 22
    assert len(page.content) < 300_000
