"""Ready-made groups of operators, and the rights that a form of a group offers."""

import io
import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command

from accounts.operations import roles, rules
from tests.accounts.admin.pages import LIST, helper
from tests.accounts.operators import make_operator
from tests.pages import signed_in, text

pytestmark = pytest.mark.django_db


def rights_of(name: str) -> set[str]:
    found = Group.objects.get(name=name).permissions.select_related("content_type")
    return {f"{each.content_type.app_label}.{each.codename}" for each in found}


def made(*arguments: str) -> str:
    output = io.StringIO()
    call_command("make_roles", *arguments, stdout=output)
    return output.getvalue()


def test_roles_are_made_with_rights_that_exist():
    assert made() == "Support: made\nLead: made\nAuditor: made\n"
    for name, rights in roles.ROLES.items():
        assert rights_of(name) == set(rights)


def test_roles_that_somebody_has_changed_stay_unless_they_are_reset():
    made()
    Group.objects.get(name="Support").permissions.clear()
    Group.objects.filter(name="Lead").delete()
    assert made() == "Support: is there\nLead: made\nAuditor: is there\n"
    assert rights_of("Support") == set()
    made("--reset")
    assert rights_of("Support") == set(roles.ROLES["Support"])


def test_auditors_change_nothing_and_see_no_whole_number():
    for right in roles.ROLES["Auditor"]:
        # A file of what they see changes nothing.
        assert ".view_" in right or right == "accounts.export_lists"
    assert "accounts.view_phone" not in roles.ROLES["Auditor"]


def test_lead_may_give_each_of_the_roles_and_support_none():
    made()
    lead, support = make_operator(1), make_operator(2)
    lead.groups.add(Group.objects.get(name="Lead"))
    support.groups.add(Group.objects.get(name="Support"))
    assert {group.name for group in rules.grantable(lead)} == set(roles.ROLES)
    assert "accounts.manage_staff" not in roles.ROLES["Support"]


def test_every_permission_of_this_app_is_a_right_in_words():
    """No model has permissions that no page asks for."""
    found = Permission.objects.filter(content_type__app_label="accounts")
    named = {right.partition(".")[2] for right in roles.RIGHTS if right.startswith("accounts.")}
    assert {each.codename for each in found} == named


@pytest.mark.pages
def test_support_opens_its_pages_and_no_others():
    made()
    user = make_operator(3)
    user.groups.add(Group.objects.get(name="Support"))
    client = signed_in(user)
    for address, status in (
        ("/admin/", 200),
        (LIST, 200),
        ("/admin/accounts/signinevent/", 200),
        ("/admin/accounts/return/", 200),
        ("/admin/accounts/operation/", 403),
        ("/admin/auditlog/logentry/", 403),
        ("/admin/auth/group/", 403),
    ):
        assert client.get(address).status_code == status, address


@pytest.mark.pages
def test_form_of_a_group_offers_rights_in_words_and_nothing_else():
    boss = signed_in(make_operator(4, is_superuser=True))
    page = text(boss.get("/admin/auth/group/add/"))
    offered = re.findall('type="checkbox" name="permissions" value="([0-9]+)"', page)
    assert len(offered) == len(roles.RIGHTS)
    assert "See whole numbers, and search by a part of one" in page
    assert "Can add" not in page


@pytest.mark.pages
def test_form_keeps_other_rights_that_a_group_has():
    boss = signed_in(make_operator(4, is_superuser=True))
    group = Group.objects.create(name="Old")
    other = Permission.objects.get(codename="view_contenttype")
    group.permissions.add(other)
    address = f"/admin/auth/group/{group.pk}/change/"
    assert other.name in text(boss.get(address))
    boss.post(address, {"name": "Old", "permissions": [other.pk]})
    assert group.permissions.get() == other


def test_rights_of_further_apps_are_offered():
    """As those of a project that this one is part of."""
    kind = ContentType.objects.create(app_label="shop", model="order")
    further = Permission.objects.create(content_type=kind, codename="refund", name="Can refund")
    assert further in roles.sensible()
    assert not roles.sensible().filter(codename="add_contenttype").exists()


def test_first_operator_finds_the_roles(pool, phone):
    call_command("make_admin", phone, stdout=io.StringIO())
    assert set(Group.objects.values_list("name", flat=True)) == set(roles.ROLES)
    Group.objects.exclude(name="Support").delete()
    call_command("make_admin", phone, stdout=io.StringIO())
    assert Group.objects.get().name == "Support"


@pytest.mark.pages
def test_helpers_cannot_change_roles():
    made()
    client = helper("manage_staff", "view_group", "change_group")
    group = Group.objects.get(name="Support")
    assert client.post(f"/admin/auth/group/{group.pk}/change/", {"name": "x"}).status_code == 403
