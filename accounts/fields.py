"""Form fields for a phone and for a code: forgiving in what they take, exact in what they give."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import phones
from accounts.conf import conf

_MAX_TYPED_CODE = 64


class PhoneField(forms.CharField):
    """Takes a mobile number in any notation and gives it in E.164."""

    default_error_messages = {
        "required": _("Type your mobile number."),
        "unknown": _(
            "That is not a phone number we know. Type it like %(example)s, or with + and the "
            "country code."
        ),
        "not_mobile": _("We can only text mobile numbers. Type one like %(example)s."),
        "country": _("We cannot text that country. Type a number that starts with %(codes)s."),
    }

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(
            attrs={
                "type": "tel",
                "autocomplete": "tel",
                "autocapitalize": "off",
                "spellcheck": "false",
            }
        )
        super().__init__(widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        typed = str(value or "").strip()
        if not typed:
            raise ValidationError(self.error_messages["required"], code="required")
        region, countries = conf.default_region, conf.countries
        words = {"example": phones.example(region)}
        try:
            return phones.parse(typed, region=region, countries=countries)
        except phones.NotMobile as error:
            message, code = self.error_messages["not_mobile"], "not_mobile"
            raise ValidationError(message, code=code, params=words) from error
        except phones.CountryNotAllowed as error:
            words = {"codes": ", ".join(phones.calling_codes(countries))}
            raise ValidationError(
                self.error_messages["country"], code="country", params=words
            ) from error
        except phones.NotAPhone as error:
            message, code = self.error_messages["unknown"], "unknown"
            raise ValidationError(message, code=code, params=words) from error


class CodeField(forms.CharField):
    """Takes a code with spaces, hyphens and digits of any script, and gives its ASCII digits.

    A code that cannot be right is refused here, so that it costs no try.
    """

    default_error_messages = {
        "required": _("Type the code from the text message."),
        "malformed": _("The code has %(length)d digits. Type all of them, and nothing else."),
    }

    def __init__(self, *, length: int = 6, **kwargs: Any) -> None:
        self.length = length
        widget = forms.TextInput(
            attrs={
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "autocapitalize": "off",
                "spellcheck": "false",
                "autofocus": True,
            }
        )
        super().__init__(widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        typed = str(value or "").strip()
        if not typed:
            raise ValidationError(self.error_messages["required"], code="required")
        digits = _read_digits(typed)
        if digits is None or len(digits) != self.length:
            raise ValidationError(
                self.error_messages["malformed"], code="malformed", params={"length": self.length}
            )
        return digits


def _read_digits(typed: str) -> str | None:
    if len(typed) > _MAX_TYPED_CODE:
        return None
    digits = []
    for character in typed:
        if character.isdecimal():
            digits.append(str(unicodedata.decimal(character)))
        elif not (character.isspace() or unicodedata.category(character) in ("Pd", "Cf")):
            return None
    return "".join(digits)
