"""``python -m tests.plan_table``: write docs/plans.md, each history and its decision."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lambdas.triggers import plans
from lambdas.triggers.plans import Decision, Plan

PATH = Path(__file__).resolve().parents[1] / "docs" / "plans.md"
HEAD = """# What the triggers decide

Written by `python -m tests.plan_table` from `lambdas/triggers/plans.py`. A history is what Cognito
shows Define: the rounds of a sign-in so far, each answered right (✓) or wrong (✗). `SRP_A` and
`PASSWORD_VERIFIER` are Cognito's own rounds of a password, which the caller starts. Every history
that is not listed fails. Where a plan has no `proof`, one may stand in front of its `code`: Create
asks for it while the budgets of texts are nearly used up ([ADR
24](adr/0024-under-pressure-in-steps.md)). [ADR 18](adr/0018-one-seam-for-every-challenge.md) has
the reasons.
"""
SHOWN = ("code", "password code", "proof code")
_WORDS = {
    Decision.PASSWORD: "Cognito asks for the password",
    Decision.TOKENS: "**tokens**",
    Decision.FAIL: "fail",
}
_SRP, _VERIFIER = plans.PASSWORD_ROUNDS


def _built_in(name: str, result: bool = True) -> dict[str, Any]:
    return {"challengeName": name, "challengeResult": result, "challengeMetadata": None}


def _ours(kind: str, result: bool) -> dict[str, Any]:
    metadata = plans.marked(kind, "-")
    return {**_built_in(plans.OUR_CHALLENGE, result), "challengeMetadata": metadata}


def _histories(plan: Plan) -> Iterator[list[dict[str, Any]]]:
    """Yield each way through the plan, with what may go wrong at each step."""
    done: list[dict[str, Any]] = []
    if plan[0] == plans.PASSWORD:
        yield []
        yield [_built_in(_SRP)]
        yield [_built_in(_SRP), _built_in(_VERIFIER, False)]
        done = [_built_in(_SRP), _built_in(_VERIFIER)]
    steps = [word for word in plan if word != plans.PASSWORD]
    for kind in steps:
        for wrong in range(plans.KINDS[kind].tries + 1):
            yield [*done, *[_ours(kind, False)] * wrong]
        done = [*done, _ours(kind, True)]
    yield done
    yield [*done, _ours(steps[-1], True)]
    if plan[0] != plans.PASSWORD:
        yield [_built_in(_SRP)]
        yield [_built_in(_SRP), _built_in(_VERIFIER)]
    for kind in steps[1:]:
        yield [_ours(kind, True)]
    if "proof" not in plan:
        yield from _with_work(done[: len(done) - len(steps)], steps)


def _with_work(before: list[dict[str, Any]], steps: list[str]) -> Iterator[list[dict[str, Any]]]:
    """Yield what may go on after a proof of work that the plan does not name."""
    for wrong in range(plans.KINDS["proof"].tries + 1):
        yield [*before, *[_ours("proof", False)] * wrong, _ours("proof", True)]
    worked = [*before, _ours("proof", True)]
    yield [*before, _ours("proof", False)]
    yield [*worked, _ours("proof", True)]
    yield [*worked, *(_ours(kind, True) for kind in steps)]
    yield [*before, *(_ours(kind, True) for kind in steps), _ours("proof", True)]
    yield [*before, _ours(steps[0], False), _ours("proof", True)]


def _said(history: list[dict[str, Any]]) -> str:
    """Return a history in short: ``code ✗ ✓``."""
    words: list[str] = []
    last = ""
    for entry in history:
        name = entry["challengeName"]
        if name == plans.OUR_CHALLENGE:
            name = entry["challengeMetadata"].split()[0]
        words += [] if name == last else [name]
        words.append("✓" if entry["challengeResult"] else "✗")
        last = name
    return " ".join(words) or "nothing yet"


def table() -> str:
    """Return the whole page."""
    lines = [HEAD]
    for text in SHOWN:
        if unknown := set(text.split()) - {plans.PASSWORD, *plans.KINDS}:
            raise ValueError(f"No step is called {unknown}")
        plan = plans.parse(text)
        lines += [f"## `{text}`", "", "| History | Decision |", "|---|---|"]
        for history in _histories(plan):
            following = plans.next_step(plan, history)
            decision = _WORDS.get(following.decision, f"ask for `{following.kind}`")
            lines.append(f"| {_said(history)} | {decision} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PATH.write_text(table(), encoding="utf-8")
