"""One vocabulary of reasons: from the triggers and the site to the pages of operators."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from django.test import RequestFactory

from accounts import sessions
from accounts.aws.challenges.code import CHANNELS
from accounts.events import reasons
from accounts.login.pending import Pending
from accounts.models import Session, SignInEvent, User
from lambdas.triggers.codes.sending import Delivery
from lambdas.triggers.codes.unsent import NoRecipient
from lambdas.triggers.ledger import Verdict
from lambdas.triggers.senders import Reason

NAMES = {"reason", "reason_of_start", "reason_of_text", "why_no_text"}
# The reasons of the triggers that reach an event, the overview or the decisions of a number. A
# budget of the whole pool is "over_budget" for apps, and the ledger's "pool" for operators.
OF_TRIGGERS = (
    {*Reason, *NoRecipient, *Verdict, *Delivery}
    - {Delivery.SENT, Delivery.OVER_BUDGET}
    - {NoRecipient.DRY_RUN}
)


def written(source: str) -> set[str]:
    """Return the words that an argument or a variable of ``NAMES`` gets."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if (isinstance(node, ast.keyword) and node.arg in NAMES) or (
            isinstance(node, ast.Assign | ast.AnnAssign) and NAMES & set(targets(node))
        ):
            found |= set(outcomes(node.value))
        if isinstance(node, ast.arguments):
            given = zip(node.kwonlyargs, node.kw_defaults, strict=True)
            found |= {
                word for each, value in given if each.arg in NAMES for word in outcomes(value)
            }
    return found - {""}


def targets(node: ast.Assign | ast.AnnAssign) -> list[str]:
    names = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [name.id for name in names if isinstance(name, ast.Name)]


def outcomes(value: ast.expr | None) -> Iterator[str]:
    """The texts that an expression may have as its value."""
    if isinstance(value, ast.IfExp):
        yield from outcomes(value.body)
        yield from outcomes(value.orelse)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value


def of_the_site(project: Path) -> set[str]:
    sources = (path.read_text("utf-8") for path in (project / "accounts").rglob("*.py"))
    return {word for source in sources for word in written(source)}


@pytest.fixture
def of_sessions(db) -> set[str]:
    """The reasons of the events of sessions that end, whatever ends them."""
    for number, why in enumerate(Session.Ended):
        user = User.objects.create(sub=f"sub-{number}", phone=f"+1201555010{number}")
        request = RequestFactory().get("/")
        request.session = sessions.store.SessionStore()
        sessions.begin(request, user)
        assert sessions.end_all(user, why) == 1
    return set(SignInEvent.objects.values_list("reason", flat=True)) - {""}


def test_every_reason_has_words_and_all_words_have_a_reason(project, of_sessions):
    site = of_the_site(project)
    assert {"wrong_code", "new_number", "unknown", "held"} <= site
    # A sign-in that takes over says so in an event of its own.
    ways = set(get_args(get_type_hints(Pending)["way"])) - {""}
    known = site | OF_TRIGGERS | of_sessions | ways | {*CHANNELS}
    assert reasons.LABELS.keys() == known - {Session.Ended.TAKEN_OVER}


def test_reason_of_a_newer_trigger_is_shown_as_it_is():
    assert reasons.label("of_tomorrow") == "of_tomorrow"


@pytest.mark.parametrize(
    "source",
    [
        'raise StartOver(reason="a" if over else "b")',
        'reason = "a" if gone else "b"',
        'def fail(*, reason: str = "a"):\n    raise Over(reason="b")',
        'class Flow:\n    reason_of_start: str | None = "a"\n    reason_of_text = "b"',
    ],
)
def test_reason_is_found_in_any_form(source):
    assert written(source) == {"a", "b"}
