"""The forms of the phone page, the code page, and the page of any other challenge."""

from collections.abc import Callable, Mapping
from typing import Any, Self, cast

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import countries, phones
from accounts.conf import conf
from accounts.countries import Country
from accounts.fields import (
    AddressField,
    BackupCodeField,
    CodeField,
    PasswordField,
    PhoneField,
    RecoveryCodeField,
)

# To choose from with one press, where a number is not one of the chosen country.
_MOST_OTHER_COUNTRIES = 3


class PhoneForm(forms.Form):
    """The form of a phone.

    ``region`` is the country of a number without +, unless the form that was sent names one.
    """

    phone = PhoneField(label=_("Mobile number"))
    remember = forms.BooleanField(label=_("Remember my number on this device"), required=False)
    # People cannot correct a hidden field, so the view judges it, not the form.
    next = forms.Field(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, region: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        chosen = data.get("country") if data else None
        self.region = str(chosen) if chosen in conf.countries else region or conf.default_region
        cast(PhoneField, self.fields["phone"]).region = self.region

    @classmethod
    def typed(cls, data: Mapping[str, Any], *, region: str) -> Self:
        """Return the form with its typed values, validated only if the page showed an error."""
        if data.get("refused"):
            return cls(data, region=region)
        country = str(data.get("country"))
        region = country if country in conf.countries else region
        return cls(initial={name: data.get(name) for name in cls.base_fields}, region=region)

    @property
    def countries(self) -> tuple[Country, ...]:
        """The countries to choose from, in the language of the page."""
        return countries.named(conf.countries, get_language() or "en")

    @property
    def other_countries(self) -> list[Country]:
        """The few other countries in which the refused number is right. Empty if they are many."""
        if not self.has_error("phone", "unknown"):
            return []
        typed = self.data.get("phone", "").strip()
        found = [each for each in self.countries if phones.is_of(typed, each.code)]
        return found if len(found) <= _MOST_OTHER_COUNTRIES else []

    @property
    def country(self) -> Country:
        """The country that is chosen."""
        return next(each for each in self.countries if each.code == self.region)


class LoginForm(PhoneForm):
    """The form that begins a sign-in, with a ``password`` where the plan has one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if conf.asks_password:
            self.fields["password"] = PasswordField(label=_("Password"))

    def refuse_password(self) -> None:
        """Say that number and password do not belong together, or are nobody's."""
        self.add_error("password", self.fields["password"].error_messages["wrong"])


class BackupForm(PhoneForm):
    """The form of a sign-in by number and backup code."""

    code = BackupCodeField(label=_("Backup code"))

    def refuse(self) -> None:
        """Say that number and code do not belong together, or that the code is used."""
        self.add_error("code", _("That number and that code do not work together. Check both."))


class RecoveryForm(forms.Form):
    """The form of a code that an operator has read out."""

    code = RecoveryCodeField(label=_("Code"))

    def refuse(self) -> None:
        """Say that the code is wrong, used or too old."""
        self.add_error(
            "code",
            _("That code does not work. Check it, or ask those who run this site for another."),
        )


class CodeForm(forms.Form):
    """The form of the code page. ``code_length`` is the number of digits."""

    code = CodeField(label=_("Code"))
    # The sign-in of the page: another tab may have started another one since.
    attempt = forms.Field(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, code_length: int = 6, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(CodeField, self.fields["code"]).length = code_length


class MailedCodeForm(CodeForm):
    """The form of a code that was mailed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].error_messages["required"] = _("Type the code from the e-mail.")


class AddressForm(forms.Form):
    """The form of an e-mail address."""

    email = AddressField(label=_("E-mail address"))


class AnswerForm(forms.Form):
    """The answer to a challenge of any other kind. ``kind`` is that of the page.

    ``digits`` is the length of an answer that is a code, else 0; ``takes`` tells whether another
    one can be right at all. ``is_backup_code``: it is one of those in the place of the answer.
    """

    # As it was typed: a password or an answer may begin with a space.
    answer = forms.CharField(
        max_length=20_000, strip=False, error_messages={"required": _("Type your answer.")}
    )
    attempt = forms.Field(required=False, widget=forms.HiddenInput)
    kind = forms.Field(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        digits: int = 0,
        takes: Callable[[str], bool] = lambda answer: True,
        is_backup_code: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._takes = takes
        if digits:
            self.fields["answer"] = CodeField(length=digits)
            self.fields["answer"].error_messages["required"] = _("Type the code.")
        elif is_backup_code:
            self.fields["answer"] = BackupCodeField()

    def clean_answer(self) -> str:
        """Return the answer. Raises ValidationError for one that cannot be right."""
        answer = str(self.cleaned_data["answer"])
        if not self._takes(answer):
            raise forms.ValidationError(_("Choose one of them."))
        return answer
