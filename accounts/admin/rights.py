"""Groups of operators and their rights, which only superusers change."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _

from accounts.admin import base
from accounts.login import reauthentication
from accounts.operations import roles

admin.site.unregister(Group)


def _right(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


class RightsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Rights in words, those of this app in their order."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Model) -> str:
        """Return the words of RIGHTS, and Django's for permissions of other apps."""
        permission = cast(Permission, obj)
        return str(roles.RIGHTS.get(_right(permission), permission.name))


class GroupForm(forms.ModelForm):  # type: ignore[type-arg]
    """The name of a group, and what its members may do."""

    permissions = RightsField(
        queryset=Permission.objects.none(),
        required=False,
        label=_("What its members may do"),
        help_text=_("They also need to be operators. Nobody can give rights that they lack."),
    )

    class Meta:
        model = Group
        fields = ("name", "permissions")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = roles.sensible()
        if self.instance.pk:
            # Saving would lose other rights that it has.
            found = (found | Permission.objects.filter(group=self.instance)).distinct()
        order = list(roles.RIGHTS)
        field = cast(RightsField, self.fields["permissions"])
        field.queryset = found.select_related("content_type")
        known = [each for each in field.queryset if _right(each) in roles.RIGHTS]
        others = [each for each in field.queryset if _right(each) not in roles.RIGHTS]
        known.sort(key=lambda each: order.index(_right(each)))
        field.choices = [(each.pk, field.label_from_instance(each)) for each in [*known, *others]]


@admin.register(Group)
@method_decorator(reauthentication.required, name="changeform_view")
@method_decorator(reauthentication.required, name="delete_view")
class RightsAdmin(base.CarefulList, GroupAdmin):
    """Groups and their rights, changed by superusers with a code typed a moment ago.

    A code is needed because an operator who changes a group's rights can get any right. There are
    no actions on several groups at once, since Django's would not ask for a code.
    """

    about = _("What operators may do, by groups. Only superusers change them.")

    actions = None
    form = GroupForm
    filter_horizontal = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)
