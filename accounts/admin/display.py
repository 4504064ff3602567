"""Words and dates for the state of accounts, operations and changes on the admin's pages."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.events import reasons
from accounts.login.ways import Ways
from accounts.models import Operation, Recovery, User
from accounts.models.users import LOCKED

if TYPE_CHECKING:
    from accounts.aws.ledger import PhoneState


@dataclass(frozen=True)
class Entry:
    """One entry of the audit log. ``changes`` are (name of the field, old value, new value).

    ``reason`` is what an operator wrote down, ``network`` where they were; "" for none.
    """

    at: datetime
    by: str
    what: str
    changes: list[tuple[str, str, str]]
    reason: str
    network: str


def moment(at: datetime | None) -> str:
    """Return a time such as "2026-11-21 15:04" in the time zone of the page, or ""."""
    return date_format(timezone.localtime(at), "Y-m-d H:i") if at else ""


def ways(found: Ways, *, email: str = "") -> list[str]:
    """Return the ways in which a person can sign in, in words. ``email`` is masked."""
    app = {True: _("code of an app"), None: _("code of an app: Cognito did not say")}
    said = {
        _("password"): found.password,
        _("code by text"): found.code,
        _("the same code by e-mail, to %s") % email: bool(email),
        _("code by text to a second number, %s") % found.second_number: bool(found.second_number),
        _("secret question"): found.question,
        app.get(found.authenticator, ""): found.authenticator is not False,
    }
    number = ngettext("%d passkey", "%d passkeys", found.passkeys) % found.passkeys
    return [words for words, is_there in said.items() if is_there] + [number] * bool(found.passkeys)


def status_of(user: User) -> str:
    """Return the state of an account, such as "disabled here, reset required"."""
    parts = []
    if not user.is_active:
        parts.append(_("disabled here"))
    if not user.cognito_enabled:
        parts.append(_("disabled in Cognito"))
    if not parts:
        parts.append(_("active"))
    if user.cognito_status not in ("", "CONFIRMED", "FORCE_CHANGE_PASSWORD"):
        parts.append(user.cognito_status.replace("_", " ").lower())
    return ", ".join(parts)


def staff_of(user: User) -> str:
    """Return "superuser", "operator" or ""."""
    if not user.is_staff:
        return ""
    return _("superuser") if user.is_superuser else _("operator")


def held_until(until: datetime | None) -> str:
    """Return "until …", "locked", or "" if no hold is left."""
    if until is None or until <= timezone.now():
        return ""
    if until == LOCKED:
        return _("locked")
    return _("until %s") % moment(until)


def hold(state: "PhoneState") -> str:
    """Return what keeps the triggers from texting a number, in a sentence or two."""
    stopped_until = datetime.fromtimestamp(state.stopped_until, UTC)
    if stopped_until > timezone.now():
        stopped = _("Its owner has stopped texts until %s, except on devices used before.")
        return f"{stopped % moment(stopped_until)} {_held(state)}"
    return _held(state)


def _held(state: "PhoneState") -> str:
    if state.is_locked:
        return _("Locked until an operator unlocks it.")
    until = datetime.fromtimestamp(state.held_until, UTC)
    if until > timezone.now():
        return _("Held until %s.") % moment(until)
    return _("Not held.")


def outcome(operation: Operation) -> str:
    """Return a sentence that says how far an operation got."""
    if operation.state == Operation.State.WAITING:
        if not operation.tries:
            return _("It is about to be done.")
        return _("It is not done yet and will be tried again by itself: %s") % operation.error
    if operation.remark:
        return str(operation.get_remark_display())
    if operation.state == Operation.State.OVERTAKEN:
        return _("A later action replaced it.")
    return _("Done.")


def told(row: Recovery) -> str:
    """Return whom a recovery was told, "" before that."""
    if not row.told:
        return ""
    text, mail, browsers = row.told.split()
    words = {"text": _delivery(text), "mail": _delivery(mail), "browsers": browsers}
    return _("Text: %(text)s. E-mail: %(mail)s. Signed-in devices: %(browsers)s.") % words


def _delivery(said: str) -> str:
    return _("sent") if said == "sent" else reasons.label(said)


def refusal(remark: str) -> str:
    """Return the sentence of a ``Remark``, or "" for none."""
    return str(Operation.Remark(remark).label) if remark else ""


def entry(logged: Any) -> Entry:
    """Read an entry of django-auditlog."""
    additional = logged.additional_data or {}
    by = str(logged.actor) if logged.actor else additional.get("by") or _("the site")
    changes = []
    for name, change in (logged.changes or {}).items():
        if isinstance(change, dict):
            sign = "+" if change.get("operation") == "add" else "−"  # noqa: RUF001
            changes.append((_label(logged, name), "", f"{sign} {', '.join(change['objects'])}"))
            continue
        before, after = (_in_words(logged, name, str(value)) for value in change)
        if before or after:
            changes.append((_label(logged, name), before, after or _("nothing")))
    return Entry(
        logged.timestamp,
        by,
        str(logged.get_action_display()),
        sorted(changes),
        additional.get("reason", ""),
        additional.get("network", ""),
    )


def changes(found: Entry) -> str:
    """Return the changes of an entry in one line."""
    return "; ".join(
        f"{name}: {before} → {after}" if before else f"{name}: {after}"
        for name, before, after in found.changes
    )


def _label(logged: Any, name: str) -> str:
    return str(getattr(_field(logged, name), "verbose_name", name))


def _in_words(logged: Any, name: str, value: str) -> str:
    """Return a value as people read it: "yes" for True, the label of a choice."""
    # django-auditlog writes None as a word.
    if value == "None":
        return ""
    field = _field(logged, name)
    if isinstance(field, BooleanField):
        return {"True": _("yes"), "False": _("no")}.get(value, value)
    return str(dict(getattr(field, "flatchoices", ())).get(value, value))


def _field(logged: Any, name: str) -> Any:
    """Return the field of the model that the entry is about, None for what is kept elsewhere."""
    model = logged.content_type.model_class()
    try:
        return model._meta.get_field(name)
    except (AttributeError, FieldDoesNotExist):
        return None
