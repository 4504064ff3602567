from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.fields import CodeField, PhoneField


class PhoneForm(forms.Form):
    phone = PhoneField(label=_("Mobile number"))
    # Nobody typed what is hidden, so nobody could mend it: the view judges it, not the form.
    next = forms.Field(required=False, widget=forms.HiddenInput)


class CodeForm(forms.Form):
    code = CodeField()
    # Which sign-in the page was made for: another tab may have started another one since.
    attempt = forms.Field(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, code_length: int = 6, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = CodeField(label=_("Code"), length=code_length)
