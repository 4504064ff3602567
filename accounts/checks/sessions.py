"""Checks of sessions: their life, and the policy for several people on one account."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from accounts.conf import SHARING_POLICIES, conf

# The last use of a session is written once a minute.
_SHORTEST_IDLE_SECONDS = 120
# The longest time without use, and in all: browsers keep no cookie much longer than a year, and
# NIST SP 800-63B allows operators an hour and a day.
_LONGEST_SECONDS = {
    "SESSION": (365 * 24 * 60 * 60, 365 * 24 * 60 * 60),
    "STAFF": (60 * 60, 24 * 60 * 60),
}
# The longest time without a sign-in that still means something.
_LONGEST_DORMANT_DAYS = 3650
_DAY = 24 * 60 * 60
# A code must have time to arrive.
_CONFIRM_SECONDS = (60, 60 * 60)


@register(Tags.security)
def check_sharing_policies(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require sharing policies that exist: E007."""
    policies = {"ACCOUNTS_SHARING_POLICY": conf.sharing_policy}
    for group, policy in conf.sharing_policy_by_group.items():
        policies[f"ACCOUNTS_SHARING_POLICY_BY_GROUP for {group!r}"] = policy
    return [
        Error(
            f"{name} is not a policy: {policy!r}.",
            hint=f"One of {', '.join(SHARING_POLICIES)}; by group: Contractors=strict,Family=off.",
            id="accounts.E007",
        )
        for name, policy in policies.items()
        if policy not in SHARING_POLICIES
    ]


@register(Tags.security)
def check_sessions(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require sessions that live longer than they may be unused, within bounds: E008, E009."""
    limits_of = {
        "SESSION": (conf.session_idle_seconds, conf.session_seconds),
        "STAFF": (conf.staff_idle_seconds, conf.staff_seconds),
    }
    longest_of = _LONGEST_SECONDS
    found: list[CheckMessage] = [
        Error(
            f"ACCOUNTS_{who}_IDLE_SECONDS is {idle}, and ACCOUNTS_{who}_SECONDS is {age}.",
            hint=f"The first is from {_SHORTEST_IDLE_SECONDS} to {longest_of[who][0]}, the second "
            f"no less than that and at most {longest_of[who][1]}.",
            id="accounts.E008",
        )
        for who, (idle, age) in limits_of.items()
        if not (_SHORTEST_IDLE_SECONDS <= idle <= longest_of[who][0])
        or not (idle <= age <= longest_of[who][1])
    ]
    shortest, longest = _CONFIRM_SECONDS
    if not shortest <= conf.confirm_seconds <= longest:
        found.append(
            Error(
                f"ACCOUNTS_CONFIRM_SECONDS is {conf.confirm_seconds}.",
                hint=f"It is between {shortest} and {longest}.",
                id="accounts.E009",
            )
        )
    return found


@register(Tags.security)
def check_dormant(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require a sleep that is longer than a session, whose person signs in no sooner: E027."""
    # Each session, that of operators as well, ends before.
    shortest = -(-max(conf.session_seconds, conf.staff_seconds) // _DAY)
    if conf.dormant_days == 0 or shortest <= conf.dormant_days <= _LONGEST_DORMANT_DAYS:
        return []
    return [
        Error(
            f"ACCOUNTS_DORMANT_DAYS is {conf.dormant_days}.",
            hint=f"From {shortest}, the days of a session, to {_LONGEST_DORMANT_DAYS}; or 0.",
            id="accounts.E027",
        )
    ]
