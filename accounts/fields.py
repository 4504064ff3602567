"""Form fields for a phone, a code and a password. Of many notations they return one."""

import re
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import addresses, countries, phones
from accounts.conf import conf

# A whole text message, pasted.
_MAX_TYPED_CODE = 500
# As lambdas/triggers/backup_codes.py draws them, without those that are taken for one another.
_BACKUP_CODE = re.compile("[23456789ABCDEFGHJKMNPQRSTUVWXYZ]{8}")
_RECOVERY_CODE = re.compile("[23456789ABCDEFGHJKMNPQRSTUVWXYZ]{12}")
# Of Cognito's PasswordType.
_MAX_PASSWORD = 256
# A longer list of countries does not fit into a sentence.
_NAMED_COUNTRIES = 4
# Isolate numbers and names of another script, which may run in the other direction.
_ISOLATED = "\u2066{}\u2069"
# A number is not broken over two lines.
_UNBROKEN = str.maketrans({" ": "\u00a0", "-": "\u2011"})


class PhoneField(forms.CharField):
    """Accept a mobile number in any notation and return it in E.164.

    ``region`` is the country of a number without +, by default ACCOUNTS_DEFAULT_REGION.
    """

    default_error_messages = {
        "required": _("Type your mobile number."),
        "unknown": _(
            "Enter a valid mobile number, such as %(example)s, or one with + and the country code."
        ),
        "not_mobile": _("We can only text mobile numbers. Type one like %(example)s."),
        "country": _("We cannot text that country, only these: %(countries)s."),
        "country_of_many": _(
            "We cannot text that country. Type a number of one of the countries in the list."
        ),
    }

    def __init__(self, *, region: str | None = None, **kwargs: Any) -> None:
        self.region = region
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
        """Return the phone in E.164. Raises ValidationError."""
        typed = str(value or "").strip()
        if not typed:
            raise ValidationError(self.error_messages["required"], code="required")
        region = self.region or conf.default_region
        example = phones.example(region).translate(_UNBROKEN)
        words = {"example": _ISOLATED.format(example)}
        try:
            return phones.parse(typed, region=region, countries=conf.countries)
        except phones.NotMobile as error:
            message, code = self.error_messages["not_mobile"], "not_mobile"
            raise ValidationError(message, code=code, params=words) from error
        except phones.CountryNotAllowed as error:
            raise self._wrong_country() from error
        except phones.NotAPhone as error:
            message, code = self.error_messages["unknown"], "unknown"
            raise ValidationError(message, code=code, params=words) from error

    def _wrong_country(self) -> ValidationError:
        allowed = countries.named(conf.countries, get_language() or "en")
        if len(allowed) > _NAMED_COUNTRIES:
            return ValidationError(self.error_messages["country_of_many"], code="country")
        named = ", ".join(
            f"{each.name} {_ISOLATED.format(f'({each.calling_code})')}" for each in allowed
        )
        return ValidationError(
            self.error_messages["country"], code="country", params={"countries": named}
        )


class PasswordField(forms.CharField):
    """Accept a password as it was typed, of the length that Cognito takes at the most."""

    default_error_messages = {
        "required": _("Type your password."),
        "max_length": _("The number or the password is not right."),
        "wrong": _("The number or the password is not right."),
    }

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})
        super().__init__(widget=widget, strip=False, max_length=_MAX_PASSWORD, **kwargs)


class CodeField(forms.CharField):
    """Accept a code with spaces, hyphens and digits of any script, and return its ASCII digits.

    In a text message that was pasted whole, the code is the only run of digits that long. A code
    that cannot be right is refused here, so that it costs no try.
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
        """Return the digits of the code. Raises ValidationError."""
        typed = str(value or "").strip()
        if not typed:
            raise ValidationError(self.error_messages["required"], code="required")
        digits = _read_digits(typed, self.length)
        if digits is None:
            raise ValidationError(
                self.error_messages["malformed"], code="malformed", params={"length": self.length}
            )
        return digits


class AddressField(forms.CharField):
    """Accept an e-mail address, and return it as ``addresses.parse`` does."""

    default_error_messages = {
        "required": _("Type your e-mail address."),
        "malformed": _("That is not an e-mail address. Type one like name@example.com."),
    }

    def clean(self, value: Any) -> str:
        """Return the address. Raises ValidationError."""
        typed = str(value or "").strip()
        if not typed:
            raise ValidationError(self.error_messages["required"], code="required")
        try:
            return addresses.parse(typed)
        except ValueError as error:
            message = self.error_messages["malformed"]
            raise ValidationError(message, code="malformed") from error


class BackupCodeField(forms.CharField):
    """Accept a backup code with spaces, hyphens and small letters, and return it as it is shown."""

    default_error_messages = {
        "required": _("Type the code."),
        "malformed": _("A backup code has 8 letters and digits, like K7F2-9QXM."),
    }

    def clean(self, value: Any) -> str:
        """Return the code. Raises ValidationError."""
        typed = str(value or "").strip()
        if not typed:
            raise ValidationError(self.error_messages["required"], code="required")
        bare = re.sub(r"[\s\-\u2010-\u2015]", "", typed[:_MAX_TYPED_CODE]).upper()
        if not _BACKUP_CODE.fullmatch(bare):
            raise ValidationError(self.error_messages["malformed"], code="malformed")
        return f"{bare[:4]}-{bare[4:]}"


class RecoveryCodeField(forms.CharField):
    """Accept the code of a recovery as BackupCodeField does its codes, return it without spaces."""

    default_error_messages = {
        "required": _("Type the code."),
        "malformed": _("The code has 12 letters and digits, like K7F2-9QXM-4TRA."),
    }

    def clean(self, value: Any) -> str:
        """Return the code. Raises ValidationError."""
        typed = str(value or "").strip()
        if not typed:
            raise ValidationError(self.error_messages["required"], code="required")
        bare = re.sub(r"[\s\-\u2010-\u2015]", "", typed[:_MAX_TYPED_CODE]).upper()
        if not _RECOVERY_CODE.fullmatch(bare):
            raise ValidationError(self.error_messages["malformed"], code="malformed")
        return bare


def _read_digits(typed: str, length: int) -> str | None:
    """Return the code of ``length`` digits, or None if it is not clear."""
    if len(typed) > _MAX_TYPED_CODE:
        return None
    plain = "".join(map(_plain, typed))
    if not plain.strip("0123456789 "):
        digits = plain.replace(" ", "")
        return digits if len(digits) == length else None
    if any(unicodedata.category(character)[0] == "C" for character in plain):
        return None
    found = {
        run.replace(" ", "")
        for run in re.findall(r"[0-9](?: ?[0-9])*", plain)
        if len(run.replace(" ", "")) == length
    }
    return found.pop() if len(found) == 1 else None


def _plain(character: str) -> str:
    """Return a digit in ASCII, a space for a separator, "" for an invisible character."""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    return " " if character.isspace() or category == "Pd" else character
