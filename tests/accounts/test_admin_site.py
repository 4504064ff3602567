import re
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.models import SignInEvent, User
from tests.pages import signed_in, text

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

LIST = "/admin/accounts/user/"


@pytest.fixture
def operator(phone) -> User:
    user = User.objects.for_identity("sub-of-an-operator", phone[:-4] + "9995")
    user.is_staff = user.is_superuser = True
    user.save()
    return user


@pytest.fixture
def admin(operator) -> Client:
    return signed_in(operator)


# Who gets in


@pytest.mark.parametrize(
    "address", ["/admin/", f"{LIST}?q=1&p=2", "/admin/password_change/", "/admin/nothing/"]
)
def test_stranger_is_sent_to_the_phone_login_and_back(client, address):
    page = client.get(address, follow=True)
    assert page.redirect_chain[-1] == (f"/accounts/login/?next={quote(address, safe='')}", 302)
    assert page.status_code == 200
    assert 'type="tel"' in text(page)
    assert 'type="password"' not in text(page)


def test_stranger_with_a_post_is_sent_to_the_phone_login(client):
    page = client.post("/admin/login/", {"username": "x", "password": "y"})
    assert (page.status_code, page.url) == (302, "/accounts/login/?next=%2Fadmin%2F")
    assert client.get("/admin/login/").url == "/accounts/login/?next=%2Fadmin%2F"


@pytest.mark.parametrize("length", [3_000, 1_000_000])
def test_stranger_with_an_endless_next_is_sent_to_the_phone_login(client, length):
    page = client.get("/admin/login/", {"next": "/" + "a" * length}, follow=True)
    assert page.status_code == 200
    assert 'type="tel"' in text(page)


def test_password_signs_nobody_in_at_the_admin_login(client, operator):
    operator.set_password("correct horse")
    operator.save()
    client.post("/admin/login/", {"username": operator.sub, "password": "correct horse"})
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("address", ["/admin/", LIST, "/admin/login/"])
def test_person_who_is_no_operator_gets_a_403_page(client, person, address):
    client.force_login(person)
    page = client.get(address, follow=True)
    assert page.status_code == 403
    assert "this page is for operators" in text(page)
    assert client.get("/").status_code == 200


def test_operator_who_was_shut_out_is_a_stranger(admin):
    User.objects.update(is_active=False)
    assert admin.get("/admin/").status_code == 302


def test_operator_sees_the_list(admin, person):
    assert "Users" in text(admin.get("/admin/"))
    page = admin.get(LIST)
    assert page.status_code == 200
    assert person.phone in text(page)


def test_operator_at_the_login_is_sent_in(admin):
    assert admin.get("/admin/login/").url == "/admin/"


def test_operator_without_permissions_sees_no_list(client, person):
    person.is_staff = True
    person.save()
    client.force_login(person)
    assert client.get("/admin/").status_code == 200
    assert client.get(LIST).status_code == 403
    person.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert client.get(LIST).status_code == 200


def test_signing_out_of_the_admin_signs_out(admin):
    assert admin.get("/admin/logout/").url == "/admin/"
    assert admin.get("/admin/").status_code == 200
    page = admin.post("/admin/logout/", follow=True)
    assert page.status_code == 200
    assert admin.get("/").status_code == 302
    assert SignInEvent.objects.get().kind == SignInEvent.Kind.SIGNED_OUT


# Finding people


@pytest.mark.parametrize("of", ["phone", "sub"])
def test_people_are_found(admin, person, operator, of):
    page = text(admin.get(LIST, {"q": getattr(person, of)}))
    assert "1 user" in page
    assert person.phone in page
    # The operator's own number is not among what was found.
    assert f">{operator.phone}</a>" not in page


def test_people_are_found_by_a_part_of_the_phone(admin, person):
    assert "1 user" in text(admin.get(LIST, {"q": person.phone[2:-1]}))
    assert "0 users" in text(admin.get(LIST, {"q": "nobody"}))


# Actions


@pytest.mark.parametrize("term", ["Hopper", "hopper", "ace Hop", "GRACE", "g"])
def test_people_are_found_by_any_part_of_a_name(admin, person, term):
    User.objects.filter(pk=person.pk).update(name="Grace Hopper")
    assert "1 user" in text(admin.get(LIST, {"q": term}))
    assert "0 users" in text(admin.get(LIST, {"q": "Hoppers"}))


def test_people_are_found_by_the_last_digits_of_a_number(admin, person):
    last = person.phone[-7:]
    for digits in (last[-4:], last, f"{last[:3]} {last[3:]}"):
        assert "1 user" in text(admin.get(LIST, {"q": digits}))
    # Two digits would find a hundredth of all people.
    assert "0 users" in text(admin.get(LIST, {"q": last[-2:]}))


def test_last_digits_do_not_reveal_a_masked_number(client, operator, person):
    operator.is_superuser = False
    operator.save()
    operator.user_permissions.add(Permission.objects.get(codename="view_user"))
    client.force_login(operator)
    assert "0 users" in text(client.get(LIST, {"q": person.phone[-4:]}))
    assert "1 user" in text(client.get(LIST, {"q": person.phone}))


def test_people_are_not_added(admin):
    assert "/admin/accounts/user/add/" not in text(admin.get(LIST))
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.post(f"{LIST}add/", {"sub": "x"}).status_code == 403


def test_people_are_not_deleted(admin, person):
    address = f"{LIST}{person.pk}/delete/"
    assert address not in text(admin.get(f"{LIST}{person.pk}/change/"))
    assert admin.get(address).status_code == 403
    assert admin.post(address, {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": person.pk, "post": "yes"}
    admin.post(LIST, chosen)
    assert User.objects.filter(pk=person.pk).exists()


def test_operator_changes_no_identity(admin, person):
    address = f"{LIST}{person.pk}/change/"
    forged = {"sub": "x", "phone": "+12015550199", "phone_verified": "on", "password": "x"}
    assert admin.post(address, {**forged, "is_active": "on"}).status_code == 302
    again = User.objects.get(pk=person.pk)
    assert (again.sub, again.phone, again.phone_verified, again.password) == (
        person.sub,
        person.phone,
        False,
        person.password,
    )


# No password anywhere


@pytest.mark.parametrize("name", ["password_change", "password_change_done"])
def test_password_pages_of_the_admin_are_not_there(admin, name):
    page = admin.get(reverse(f"admin:{name}"))
    assert page.status_code == 404
    assert "There is nothing here" in text(page)
    assert admin.post(reverse(f"admin:{name}"), {"new_password1": "x"}).status_code == 404


def test_password_page_of_a_user_is_not_there(admin, person):
    with pytest.raises(NoReverseMatch):
        reverse("admin:auth_user_password_change", args=[person.pk])
    page = admin.get(f"{LIST}{person.pk}/password/", follow=True)
    assert page.redirect_chain[-1] == ("/admin/", 302)
    assert 'type="password"' not in text(page)


def test_no_page_of_the_admin_has_a_word_of_passwords(admin, person):
    for address in ("/admin/", LIST, f"{LIST}{person.pk}/change/", f"{LIST}{person.pk}/history/"):
        page = text(admin.get(address))
        assert "password" not in page.lower()
        assert person.password not in page


def test_password_reset_is_not_there(admin):
    for address in ("/admin/password_reset/", "/accounts/password_change/", "/accounts/reset/"):
        assert admin.get(address).status_code == 404


def test_pages_of_the_admin_obey_the_policy(admin, person):
    for address in ("/admin/", LIST, f"{LIST}{person.pk}/change/"):
        page = admin.get(address)
        assert page["Content-Security-Policy"]
        assert "no-store" in page["Cache-Control"]
        assert not re.search(r"<script(?![^>]*(\ssrc=|type=\"application/json\"))", text(page))
        assert not re.search(r"<style|\sstyle=|\son\w+=", text(page))


def test_admin_has_the_colours_of_the_site(admin, settings):
    assert "/accounts/admin.css" not in text(admin.get("/admin/"))
    settings.SITE_COLOR = "#0b57d0"
    address = re.search(r'href="(/accounts/admin.css[^"]*)"', text(admin.get("/admin/")))[1]
    rules = admin.get(address)
    assert rules["Content-Type"] == "text/css"
    assert ":root{--brand:#0b57d0;--on-brand:#ffffff}" in text(rules)
    assert 'html[data-theme="dark"]{--brand:#' in text(rules)


def test_lists_say_what_they_have_and_that_they_are_empty(admin):
    for address in ("accounts/signinevent", "accounts/operation", "accounts/return", "auth/group"):
        page = text(admin.get(f"/admin/{address}/"))
        assert '<p class="about">' in page, address
        assert "There is nothing here yet." in page, address
    page = text(admin.get(LIST, {"q": "nobody of this name"}))
    assert "Nothing fits this search with these filters." in page
    assert '<p class="empty">' not in text(admin.get(LIST))
