"""Forms on the pages of operators' actions (``user_actions``)."""

import unicodedata
from typing import Any, cast

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import operations, phones
from accounts.conf import conf
from accounts.fields import PhoneField
from accounts.models import User
from accounts.models.operations import REASON_LENGTH

# They change the direction of whatever follows, and so what a reason seems to say.
_TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


class ReasonField(forms.CharField):
    """The reason of an operator, as one line. Phones in it are masked: others read it."""

    widget = forms.Textarea(attrs={"rows": 2})
    default_error_messages = {
        "hidden": _("Leave out characters that cannot be seen."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=REASON_LENGTH, **kwargs)

    def to_python(self, value: Any) -> str:
        """Return the line. Raises ValidationError."""
        line = " ".join(str(value or "").split())
        if len(line) > REASON_LENGTH:
            # The validator of the length says so.
            return line
        if any(map(_is_hidden, line)):
            raise ValidationError(self.error_messages["hidden"], code="hidden")
        return phones.mask_in(line, region=conf.default_region)


class ActionForm(forms.Form):
    """The form of an action: with a reason alone for people, unless a subclass adds fields."""

    batch = forms.CharField(widget=forms.HiddenInput, required=False, initial=operations.draw_batch)

    def __init__(self, *args: Any, by: User, users: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by, self.users = by, users
        # Below the fields of subclasses.
        self.fields["reason"] = ReasonField(
            label=_("Reason"),
            required=conf.reasons == "required",
            help_text=_("For other operators, not for the person. Phone numbers in it are masked."),
        )

    def params(self) -> dict[str, Any]:
        """Return the reason and the parameters of the operation (operations/queue.py)."""
        return {"reason": self.cleaned_data["reason"]}


class TellingForm(ActionForm):
    """The form of an action of which the person is told by a text."""

    def params(self) -> dict[str, Any]:
        """Return the parameters, with one for the text."""
        return {**super().params(), "tell": True}


class AddToGroupForm(ActionForm):
    """A choice of the groups that the operator may give."""

    group = forms.ModelChoiceField(queryset=Group.objects.none(), label=_("Group"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(Any, self.fields["group"]).queryset = self.groups()

    def groups(self) -> QuerySet[Group]:
        return operations.grantable(self.by)

    def params(self) -> dict[str, Any]:
        return {**super().params(), "group": self.cleaned_data["group"].name}


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
            **super().params(),
            "phone": self.cleaned_data["phone"],
            "tell": self.cleaned_data["tell"],
            "verified": False,
        }


def _is_hidden(character: str) -> bool:
    is_control = unicodedata.category(character) == "Cc"
    return is_control or unicodedata.bidirectional(character) in _TURNING
