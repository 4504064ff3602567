"""The audit log, which says who changed what, and groups."""

from datetime import timedelta
from functools import partial

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from accounts.events import audit
from accounts.models import Session, User
from tests.accounts.admin.pages import ENTRIES, do, helper, page_of
from tests.pages import text

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.pages,
    pytest.mark.usefixtures("everybody"),
]


def test_audit_log_is_only_read(admin, person):
    audit.note(person, {"name": ["a", "b"]})
    entry = LogEntry.objects.latest("pk")
    assert admin.get(ENTRIES).status_code == 200
    page = admin.get(f"{ENTRIES}{entry.pk}/change/")
    assert 'name="_save"' not in text(page)
    for address in (f"{ENTRIES}add/", f"{ENTRIES}{entry.pk}/delete/"):
        assert admin.post(address, {"post": "yes"}).status_code == 403
    assert admin.post(f"{ENTRIES}{entry.pk}/change/", {"object_repr": "x"}).status_code == 403
    assert LogEntry.objects.filter(pk=entry.pk).exists()


def test_log_has_one_name_in_its_page_and_in_every_list_of_pages(admin):
    for address in ("/admin/", ENTRIES):
        page = text(admin.get(address))
        assert "Log of changes" in page
        assert "Log entries" not in page


def test_name_of_an_operator_who_was_deleted_stays_in_the_audit_log(admin, pool, person):
    do(helper("disable_user"), "disable", person)
    User.objects.get(sub="sub-of-operator-7").delete()
    assert "sub-of-operator-7" in text(admin.get(page_of(person))).partition("Log of changes")[2]


def test_groups_are_changed_by_superusers_alone(admin, pool):
    group = Group.objects.create(name="Editors")
    address = f"/admin/auth/group/{group.pk}/change/"
    other = helper("change_group", "add_group", "view_group", "delete_group")
    assert other.get(address).status_code == 200
    assert other.post(address, {"name": "x"}).status_code == 403
    assert other.get("/admin/auth/group/add/").status_code == 403
    right = Permission.objects.get(codename="unlock_user")
    admin.post(address, {"name": "Helpers", "permissions": [right.pk]})
    assert group.permissions.get() == right
    assert LogEntry.objects.filter(object_repr="Helpers", actor__isnull=False).count() == 2


def test_groups_need_a_code_that_was_typed_lately(admin):
    group = Group.objects.create(name="Editors")
    Session.objects.update(confirmed_at=timezone.now() - timedelta(seconds=301))
    for address in ("add/", f"{group.pk}/change/", f"{group.pk}/delete/"):
        page = admin.post(f"/admin/auth/group/{address}", {"name": "Helpers", "post": "yes"})
        assert page.url.startswith("/accounts/confirm/")
    chosen = {"action": "delete_selected", "_selected_action": group.pk, "post": "yes"}
    admin.post("/admin/auth/group/", chosen)
    assert Group.objects.get().name == "Editors"


def test_sign_in_leaves_no_trace_in_the_audit_log(person):
    before = LogEntry.objects.count()
    partial(Client().force_login, person)()
    assert LogEntry.objects.count() == before
