"""The words for operators of every reason that an event can have."""

from django.utils.translation import gettext_lazy as _

# The site's own reasons first, then those of the triggers.
LABELS = {
    "wrong_code": _("the code was wrong"),
    "wrong_answer": _("the answer was wrong"),
    "wrong_password": _("the number or the password was wrong"),
    "locked": _("a hundred wrong codes in a row"),
    "expired": _("the code was too old"),
    "over": _("no try was left, or Cognito ended it"),
    "unavailable": _("Cognito, a text or our keys did not work"),
    "token_refused": _("the token was not good"),
    "phone_taken": _("the number belongs to another account"),
    "new_number": _("to prove a new number"),
    "waiting": _("Cognito is still to take it"),
    "stopped": _("the owner of the number wants no texts for now"),
    "allowed_again": _("allowed again"),
    "notices": _("the number's notices of the day"),
    "network": _("too many texts to one network"),
    "shut_out": _("shut out here"),
    "unknown": _("Cognito has no such user"),
    "number_shared": _("several accounts of the pool have the number"),
    "number_unproven": _("the number of the account is not verified"),
    "no_sign_up": _("the pool lets nobody be signed up by phone"),
    "refused": _("Cognito refused"),
    "opted_out": _("the owner has told the sender to stop"),
    "landline": _("the number takes no texts"),
    "blocked_country": _("the sender does not text that country"),
    "country_not_allowed": _("a country that is not on the list"),
    "not_mobile": _("not the number of a mobile phone"),
    "sign_ups": _("too many new accounts at once"),
    "spend_limit": _("the month's money is spent"),
    "sandbox": _("the AWS account is in the SMS sandbox"),
    "throttled": _("too many texts at once for the sender"),
    "provider_down": _("the sender was not reached"),
    "delayed": _("the sender did not answer, so the text may have left or not"),
    "misconfigured": _("the sender is set up wrongly"),
    "cooldown": _("texted a moment ago"),
    "not_sent": _("the number's own limits: texts or wrong codes"),
    "further_step": _("Cognito asked for a step that this site cannot do"),
    "held": _("too many wrong codes in a row"),
    "phone_hour": _("the number's budget of the hour"),
    "phone_day": _("the number's budget of the day"),
    "block": _("the budget of neighbouring numbers"),
    "country": _("the country's budget"),
    "pool": _("the budget of all texts"),
    "operator": _("an operator did it"),
    "number_changed": _("the person changed the number"),
    "set_up": _("the person set it up"),
    "removed": _("the person removed it"),
    "by_person": _("from another device of the person"),
    "idle": _("not used for too long"),
    "too_old": _("signed in too long ago"),
    "confirm": _("to confirm who it is"),
    "cancelled": _("the person kept the other device"),
    "other_user": _("the number belongs to somebody else by now"),
}


def label(reason: str) -> str:
    """Return the words for a reason, or the reason itself where it is a newer trigger's."""
    return str(LABELS.get(reason, reason))
