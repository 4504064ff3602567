"""Rights of operators in words, and ready-made groups of them: Support, Lead, Auditor."""

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

# In the order of the form. Operators without the first one see nobody.
RIGHTS = {
    "accounts.view_user": _("See people, with their devices and what was done to them"),
    "accounts.change_user": _("Write down whose number it is"),
    "accounts.view_phone": _("See whole numbers, and search by a part of one"),
    "accounts.view_signinevent": _("See the overview and sign-in events"),
    "accounts.unlock_user": _("Unlock held numbers"),
    "accounts.sign_out_user": _("Sign people out"),
    "accounts.disable_user": _("Disable and enable people"),
    "accounts.invite_user": _("Invite people"),
    "accounts.change_number": _("Change people's numbers"),
    "accounts.reset_authenticator": _("Reset people's authenticator apps"),
    "accounts.remove_passkey": _("Remove people's passkeys"),
    "accounts.remove_email": _("Remove people's e-mail addresses"),
    "accounts.remove_second_number": _("Remove people's second numbers"),
    "accounts.forget_answer": _("Have secret answers forgotten"),
    "accounts.delete_user": _("Delete people"),
    "accounts.view_return": _("See returns to dormant accounts"),
    "accounts.decide_return": _("Approve and refuse returns to dormant accounts"),
    "accounts.view_recovery": _("See recoveries of people who lost their number"),
    "accounts.start_recovery": _("Start and cancel recoveries, and give codes for them"),
    "accounts.agree_recovery": _("Agree to recoveries of other operators"),
    "accounts.view_operation": _("See all operations"),
    "accounts.view_difference": _("See differences from Cognito"),
    "accounts.repair_difference": _("Compare with Cognito, and repair differences"),
    "accounts.manage_staff": _("Make operators, give set-up codes, and put people into groups"),
    "accounts.export_lists": _("Export the lists that they see to files"),
    "accounts.share_view": _("Share saved views of lists with all operators"),
    "auth.view_group": _("See groups and their rights"),
    "auditlog.view_logentry": _("See who changed what"),
}
_SUPPORT = (
    "accounts.view_user",
    "accounts.change_user",
    "accounts.view_signinevent",
    "accounts.unlock_user",
    "accounts.sign_out_user",
    "accounts.view_return",
    # The person is told, and can stop it.
    "accounts.view_recovery",
    "accounts.start_recovery",
)
_AUDITOR = (
    "accounts.view_user",
    "accounts.view_signinevent",
    "accounts.view_return",
    "accounts.view_recovery",
    "accounts.view_operation",
    "accounts.view_difference",
    "accounts.export_lists",
    "auth.view_group",
    "auditlog.view_logentry",
)
ROLES = {
    # Helps people who call, and takes nothing from anybody for good.
    "Support": _SUPPORT,
    # All that the admin can do; superusers and groups are left to superusers.
    "Lead": tuple(RIGHTS),
    # Reads all and changes nothing, with masked numbers.
    "Auditor": _AUDITOR,
}
# Of apps whose pages are in the admin, only RIGHTS mean something there.
_KNOWN_APPS = ("accounts", "admin", "auditlog", "auth", "contenttypes", "sessions")


def make() -> list[str]:
    """Make the groups that are missing, and return their names. Others are left as they are."""
    made = []
    for name, rights in ROLES.items():
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            group.permissions.set(Permission.objects.filter(_named(rights)))
            made.append(name)
    return made


def give_back() -> None:
    """Give each of the groups the rights that it has here, whatever it has now."""
    make()
    for name, rights in ROLES.items():
        group = Group.objects.get(name=name)
        group.permissions.set(Permission.objects.filter(_named(rights)))


def sensible() -> QuerySet[Permission]:
    """Return the permissions that mean something: RIGHTS, and those of apps of the site's own."""
    others = ~Q(content_type__app_label__in=_KNOWN_APPS)
    return Permission.objects.filter(_named(tuple(RIGHTS)) | others)


def _named(rights: tuple[str, ...]) -> Q:
    wanted = Q(pk__in=())
    for right in rights:
        app, _dot, codename = right.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return wanted
