"""Forms on the pages of operators' actions (``user_actions``)."""

from typing import Any, cast

from django import forms
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import operations
from accounts.fields import PhoneField
from accounts.models import User


class ActionForm(forms.Form):
    """The form of an action: without fields for people, unless a subclass adds some."""

    batch = forms.CharField(widget=forms.HiddenInput, required=False, initial=operations.draw_batch)

    def __init__(self, *args: Any, by: User, users: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by, self.users = by, users

    def params(self) -> dict[str, Any]:
        """Return the parameters of the operation (operations/queue.py)."""
        return {}


class AddToGroupForm(ActionForm):
    """A choice of the groups that the operator may give."""

    group = forms.ModelChoiceField(queryset=Group.objects.none(), label=_("Group"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(Any, self.fields["group"]).queryset = self.groups()

    def groups(self) -> QuerySet[Group]:
        return operations.grantable(self.by)

    def params(self) -> dict[str, Any]:
        return {"group": self.cleaned_data["group"].name}


class RemoveFromGroupForm(AddToGroupForm):
    """A choice of groups that the operator may give and that somebody chosen is in."""

    def groups(self) -> QuerySet[Group]:
        return super().groups().filter(user__in=self.users).distinct()


class ChangeNumberForm(ActionForm):
    """The new phone, and whether to text the old one."""

    phone = PhoneField(label=_("New mobile number"))
    tell = forms.BooleanField(
        label=_("Text the old number that it was replaced"),
        required=False,
        initial=True,
    )

    def params(self) -> dict[str, Any]:
        # Only a code verifies a number, not an operator's word.
        return {
            "phone": self.cleaned_data["phone"],
            "tell": self.cleaned_data["tell"],
            "verified": False,
        }
