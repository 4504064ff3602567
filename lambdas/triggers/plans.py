"""Plans of a sign-in: its steps in order, and what comes next in one that is under way.

    code                  a code by text: the default
    password code         a password, which Cognito itself checks, then the code
    captcha code          a CAPTCHA of another company, and only after it a text
    proof code            a proof of work, and only after it a text
    code question         a code, then a secret question
    code authenticator    a code, then one of an app, from people who have set one up
    code provider         a code, then a challenge of another company

The stack's parameter says which steps there are, never the caller. A history holds nothing but
wrong answers to a step and then a right one, step by step; every other history fails. While the
budgets of texts are nearly used up, Create asks for a proof of work in front of the text: a history
may show one there at any time.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cache
from typing import Any

from . import environment
from .limits import TRIES_PER_CODE

OUR_CHALLENGE = "CUSTOM_CHALLENGE"
PASSWORD = "password"  # noqa: S105 - the name of a step
# The caller starts these rounds, and Cognito checks them: we see only that they were right.
PASSWORD_ROUNDS = ("SRP_A", "PASSWORD_VERIFIER")
_MOST_STEPS = 4
_WORK = "proof"
# Methods by something that the person knows.
_KNOWN = {"pwd"}


@dataclass(frozen=True)
class Kind:
    """A kind of challenge. ``tries`` is how often one of it may be answered in a sign-in.

    ``proves``: a right answer shows who it is. A plan needs a step that does. ``method`` is its
    name in the tokens (RFC 8176), "" where it says nothing of the person. ``attribute`` is one of
    Cognito's users: only those who have it are asked, after a step that proves. ``texts``: it costs
    a text.
    """

    tries: int
    proves: bool
    method: str = ""
    attribute: str = ""
    texts: bool = False


# Each has a module of its name in ``kinds``.
KINDS: dict[str, Kind] = {
    "code": Kind(tries=TRIES_PER_CODE, proves=True, method="sms", texts=True),
    # A second one for a browser that stumbled over the first.
    "proof": Kind(tries=2, proves=False),
    "captcha": Kind(tries=3, proves=False),
    # Friends know the answer, and a first one is only chosen: the tokens say nothing of it.
    "question": Kind(tries=TRIES_PER_CODE, proves=False),
    "authenticator": Kind(tries=3, proves=False, method="otp", attribute="custom:authenticator"),
    "provider": Kind(tries=3, proves=True, texts=True),
    # Of the site's own client alone. It says the methods itself.
    "statement": Kind(tries=1, proves=True),
}


class Role(StrEnum):
    """The part of a client of the stack in sign-ins, as the list of clients has it."""

    USUAL = ""
    # Its flows begin with a proof that the browser is known: ``pre_authentication``.
    KNOWN = "known"
    # For apps, which have no secret.
    PUBLIC = "public"
    # For people whom the site has proven itself: ``statements``.
    SITE = "site"


class Decision(Enum):
    """The fate of a sign-in after its history."""

    PASSWORD = "password"  # noqa: S105 - Cognito's own round comes next
    CHALLENGE = "challenge"
    TOKENS = "tokens"
    FAIL = "fail"


@dataclass(frozen=True)
class Next:
    """The next step. With CHALLENGE, ``kind`` is that of the challenge.

    ``earlier`` has the metadata of those of this step that were answered wrong, oldest first.
    """

    decision: Decision
    kind: str = ""
    earlier: tuple[str, ...] = ()


Plan = tuple[str, ...]
# No parameter changes it, and it is no step of any other plan.
STATED: Plan = ("statement",)
# By these, rounds say which plan they follow.
_USUAL, _PUBLIC, _STATED = range(3)


@cache
def parse(text: str) -> Plan:
    """Return the steps of a plan, from its words. Raises WrongEnvironment with the reason."""
    plan = tuple(text.split())
    ours = plan[1:] if plan[:1] == (PASSWORD,) else plan
    steps = [name for name in KINDS if name not in STATED]
    if unknown := [word for word in ours if word not in steps]:
        raise environment.WrongEnvironment(
            f"SIGN_IN_PLAN has {unknown[0]!r:.40}; a plan is made of"
            f" {', '.join([PASSWORD, *steps])}, and {PASSWORD} can only come first"
        )
    if len(set(plan)) < len(plan) or len(plan) > _MOST_STEPS:
        raise environment.WrongEnvironment(
            f"SIGN_IN_PLAN has at most {_MOST_STEPS} steps, each of them once"
        )
    if not any(KINDS[word].proves for word in ours):
        proving = ", ".join(name for name in steps if KINDS[name].proves)
        raise environment.WrongEnvironment(f"SIGN_IN_PLAN needs one of {proving}")
    proven = False
    for word in ours:
        if KINDS[word].attribute and not proven:
            # Before that, strangers would see who has set it up.
            raise environment.WrongEnvironment(f"SIGN_IN_PLAN has {word} before a step that proves")
        proven = proven or KINDS[word].proves
    return plan


def configured() -> dict[int, Plan]:
    """Return the plans in force by their numbers, which say in a round which of them it follows.

    The first is that of the site; the public client and the site's own may have others. Raises
    WrongEnvironment.
    """
    found = {_USUAL: parse(environment.optional("SIGN_IN_PLAN") or "code")}
    if public := environment.optional("PUBLIC_SIGN_IN_PLAN"):
        found[_PUBLIC] = parse(public)
    if environment.optional("SITE_CLIENT") == "true":
        found[_STATED] = STATED
    return found


def of_user(plan: Plan, attributes: Any) -> Plan:
    """Return the steps of a plan that a user has, from the event's ``request.userAttributes``."""
    known = attributes if isinstance(attributes, dict) else {}
    return tuple(word for word in plan if _is_asked(word, known))


def of_client(role: Role) -> tuple[int, Plan]:
    """Return the plan that a client follows, and its number in ``configured``."""
    if role is Role.SITE:
        return _STATED, STATED
    plans = configured()
    number = _PUBLIC if role is Role.PUBLIC and _PUBLIC in plans else _USUAL
    return number, plans[number]


def decide(history: Any, attributes: Any = None) -> Next:
    """Say what comes next, by the plan that the history follows; see ``next_step``.

    The plan of the client is not known here. Before the first round of ours every plan may be
    followed, and Create, which makes that round, asks which of them is that of the client.
    ``attributes`` are those of the user.
    """
    # So a flow that leaves a password out is refused by Create, where the plan of another client
    # begins without one, as that of the site's own does. The event names the client, but its plan
    # stands in the list in Systems Manager: for Define that were boto3 at each cold start, a call
    # and a permission, so that a flow which fails in any case fails one function earlier.
    found = [
        next_step(of_user(plan, attributes), history, number)
        for number, plan in configured().items()
    ]
    return next((one for one in found if one.decision is not Decision.FAIL), found[0])


def with_work(plan: Plan) -> Plan:
    """Return the plan with a proof of work in front of its first text, unless it has one."""
    texts = [place for place, word in enumerate(plan) if word in KINDS and KINDS[word].texts]
    if _WORK in plan or not texts:
        return plan
    return (*plan[: texts[0]], _WORK, *plan[texts[0] :])


def next_step(plan: Plan, history: Any, number: int = 0, *, wants_work: bool = False) -> Next:
    """Say what comes next. Never raises for a history, which is the event's ``request.session``.

    Each entry is ``{"challengeName": str, "challengeResult": bool, "challengeMetadata": str}``,
    oldest first. ``number`` is that of the plan. A history with a proof of work in front of the
    text goes on with it, and one without goes on without; ``wants_work`` decides where neither was
    begun. Our Create makes both, so the caller chooses nothing.
    """
    ways = (with_work(plan), plan) if wants_work else (plan, with_work(plan))
    found = [_along(way, history, number) for way in ways]
    return next((one for one in found if one.decision is not Decision.FAIL), found[0])


def _along(plan: Plan, history: Any, number: int) -> Next:
    if not isinstance(history, list) or not all(_is_whole(entry) for entry in history):
        return Next(Decision.FAIL)
    position = 0
    rounds = list(history)
    for name in PASSWORD_ROUNDS if plan[0] == PASSWORD else ():
        if not rounds:
            # The caller starts the first one, so it is ours to ask for none but the second.
            asks = name != PASSWORD_ROUNDS[0]
            return Next(Decision.PASSWORD if asks else Decision.FAIL)
        entry = rounds.pop(0)
        if entry["challengeName"] != name or not entry["challengeResult"]:
            return Next(Decision.FAIL)
        position = 1
    earlier: list[str] = []
    for entry in rounds:
        if position == len(plan) or not _is_of(_mark(plan[position], number), entry):
            return Next(Decision.FAIL)
        if entry["challengeResult"]:
            position, earlier = position + 1, []
            continue
        earlier.append(entry["challengeMetadata"].partition(" ")[2])
        if len(earlier) >= KINDS[plan[position]].tries:
            # It was the last one, and nothing may follow it.
            return Next(Decision.FAIL)
    if position == len(plan):
        return Next(Decision.TOKENS)
    return Next(Decision.CHALLENGE, plan[position], tuple(earlier))


def proves_before(plan: Plan, kind: str) -> bool:
    """Tell whether a step before that of ``kind`` shows who it is."""
    before = plan[: plan.index(kind)]
    return any(KINDS[word].proves for word in before if word != PASSWORD)


def methods(plan: Plan) -> list[str]:
    """Return how somebody signed in who took every step of a plan, in the words of RFC 8176.

    "mfa" is among them where something they know and something they have were both asked for.
    """
    steps = ["pwd" if word == PASSWORD else KINDS[word].method for word in plan]
    found = {method for method in steps if method}
    return sorted(found | {"mfa"}) if found & _KNOWN and found - _KNOWN else sorted(found)


def marked(kind: str, metadata: str, number: int = 0) -> str:
    """Return the metadata of a challenge of ours, which says kind and plan to later rounds."""
    return f"{_mark(kind, number)} {metadata}"


def _mark(kind: str, number: int) -> str:
    return f"{kind}.{number}" if number else kind


def _is_asked(word: str, attributes: dict[str, Any]) -> bool:
    wanted = KINDS[word].attribute if word in KINDS else ""
    return not wanted or bool(attributes.get(wanted))


def _is_whole(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("challengeName"), str)
        and isinstance(entry.get("challengeResult"), bool)
    )


def _is_of(mark: str, entry: dict[str, Any]) -> bool:
    """Tell whether it is a round of ours with this mark. Our Create wrote the metadata."""
    metadata = entry.get("challengeMetadata")
    return (
        entry["challengeName"] == OUR_CHALLENGE
        and isinstance(metadata, str)
        and metadata.partition(" ")[0] == mark
    )
