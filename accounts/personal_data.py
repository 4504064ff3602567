"""All that this site keeps about a person, for themselves."""

from datetime import datetime
from typing import Any

from accounts.models import User


def of(user: User) -> dict[str, Any]:
    """Return it as values of JSON, with times in ISO 8601. Five queries."""
    return {
        "account": {
            "id": user.sub,
            "number": user.phone,
            "number_type": user.number_type,
            "second_number": user.second_phone,
            "name": user.name,
            "is_operator": user.is_staff,
            "time_zone": user.time_zone,
            "first_sign_in": _time(user.date_joined),
            "last_sign_in": _time(user.last_login),
        },
        "passkeys": [
            {
                "name": each.name,
                "made": _time(each.created_at),
                "last_used": _time(each.last_used_at),
                "on_several_devices": each.is_synced,
                "opens_admin": each.opens_admin,
            }
            for each in user.passkeys.order_by("created_at")
        ],
        "devices": [
            {
                "device": each.device,
                "network": each.network,
                "signed_in": _time(each.signed_in_at),
                "last_used": _time(each.last_seen),
                "ended": _time(each.ended_at),
                "why_ended": each.ended_why,
            }
            for each in user.sessions.order_by("signed_in_at")
        ],
        "events": [
            {
                "time": _time(each.at),
                "event": each.kind,
                "reason": each.reason,
                "number": each.phone,
                "country": each.country,
                "device": each.device,
                "network": each.network,
            }
            for each in user.events.order_by("at")
        ],
        "exports": [
            {
                "list": each.list_name,
                "filters": each.query,
                "started": _time(each.started_at),
                "rows": each.rows,
                "kept_until": _time(each.expires_at),
            }
            for each in user.exports.order_by("started_at")
        ],
        "saved_views": [
            {
                "list": each.list_name,
                "name": each.name,
                "filters": each.query,
                "for_all": each.is_shared,
            }
            for each in user.saved_views.order_by("name")
        ],
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
