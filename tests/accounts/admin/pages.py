"""Pages of the admin, as operators with more or fewer rights ask for them."""

from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from tests.accounts.operators import make_operator
from tests.pages import signed_in

LIST = "/admin/accounts/user/"
INVITE = f"{LIST}invite/"
ORDERS = "/admin/accounts/operation/"
ENTRIES = "/admin/auditlog/logentry/"


def helper(*rights: str, number: int = 7) -> Client:
    """An operator who may see users, and what is named."""
    user = make_operator(number)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_user", *rights]))
    return signed_in(user)


def right_to(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


def page_of(user: User) -> str:
    return f"{LIST}{user.pk}/change/"


def act_on(name: str, *users: User) -> str:
    return f"{LIST}act/{name}/?ids={','.join(str(user.pk) for user in users)}"


def do(client: Client, name: str, *users: User, **params):
    ids = ",".join(str(user.pk) for user in users)
    return client.post(f"{LIST}act/{name}/", {"ids": ids, **params}, follow=True)
