"""Every plan with every history: tokens only after each step was answered right, in its order."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambdas.triggers import environment, plans
from lambdas.triggers.plans import Decision, Next, Role
from tests import plan_table

BUILT_IN = [
    "SRP_A",
    "PASSWORD_VERIFIER",
    "SMS_MFA",
    "EMAIL_OTP",
    "SOFTWARE_TOKEN_MFA",
    "DEVICE_SRP_AUTH",
    "DEVICE_PASSWORD_VERIFIER",
    "ADMIN_NO_SRP_AUTH",
    "NEW_PASSWORD_REQUIRED",
]
FAIL = Next(Decision.FAIL)


def built_in(name, result=True):
    return {"challengeName": name, "challengeResult": result, "challengeMetadata": None}


def ours(kind, result, metadata="m"):
    return {
        "challengeName": "CUSTOM_CHALLENGE",
        "challengeResult": result,
        "challengeMetadata": f"{kind} {metadata}",
    }


RIGHT, WRONG = ours("code", True), ours("code", False)
PASSWORD = [built_in("SRP_A"), built_in("PASSWORD_VERIFIER")]
STEPS = [name for name in plans.KINDS if name not in plans.STATED]
PLANS = [
    ("password", *steps) if first else steps
    for length in (1, 2, 3)
    for steps in itertools.permutations(STEPS, length)
    for first in (False, True)
    if any(plans.KINDS[step].proves for step in steps)
    and not any(
        plans.KINDS[step].attribute and not any(plans.KINDS[each].proves for each in steps[:place])
        for place, step in enumerate(steps)
    )
]


def step(history, plan=("code",)):
    return plans.next_step(plan, history)


# Of a plan


@pytest.mark.parametrize("plan", PLANS)
def test_parse_reads_every_plan(plan):
    assert plans.parse(" ".join(plan)) == plan


@pytest.mark.parametrize(
    "text",
    [
        "password",
        "code password",
        "code code",
        "password password code",
        "Code",
        "code,password",
        "kode",
        "SRP_A code",
        "code code code code code",
    ],
)
def test_parse_refuses_what_is_no_plan(text):
    with pytest.raises(environment.WrongEnvironment, match="SIGN_IN_PLAN"):
        plans.parse(text)


@pytest.mark.parametrize("kind", [name for name, kind in plans.KINDS.items() if not kind.proves])
def test_parse_refuses_a_plan_that_proves_nothing(kind):
    for text in (kind, f"password {kind}"):
        with pytest.raises(environment.WrongEnvironment, match="needs one of"):
            plans.parse(text)


def test_parse_refuses_to_tell_strangers_who_has_an_authenticator():
    with pytest.raises(environment.WrongEnvironment, match="before a step that proves"):
        plans.parse("authenticator code")


@pytest.mark.parametrize("attributes", [None, {}, [], "", {"custom:authenticator": ""}])
def test_of_user_leaves_out_what_the_user_has_not_set_up(attributes):
    assert plans.of_user(("password", "code", "authenticator"), attributes) == ("password", "code")


def test_of_user_keeps_what_the_user_has_set_up():
    plan = ("password", "code", "authenticator")
    assert plans.of_user(plan, {"custom:authenticator": "x"}) == plan


def test_configured_is_a_code_alone_unless_the_stack_says_more(monkeypatch):
    monkeypatch.delenv("SIGN_IN_PLAN", raising=False)
    assert plans.configured() == {0: ("code",)}
    monkeypatch.setenv("SIGN_IN_PLAN", "password code")
    assert plans.configured() == {0: ("password", "code")}


# Of two plans, where the public client has one of its own


@pytest.fixture
def two_plans(monkeypatch):
    monkeypatch.setenv("SIGN_IN_PLAN", "proof code")
    monkeypatch.setenv("PUBLIC_SIGN_IN_PLAN", "code")


def of_public(kind, result):
    return ours(kind, result) | {"challengeMetadata": plans.marked(kind, "m", 1)}


def test_decide_client_gets_tokens_by_its_own_plan_alone(two_plans):
    assert plans.decide([]).decision is Decision.CHALLENGE
    assert plans.decide([of_public("code", True)]) == Next(Decision.TOKENS)
    assert plans.decide([ours("proof", True), ours("code", True)]) == Next(Decision.TOKENS)
    # Under pressure it begins with a proof as well.
    worked = [of_public("proof", True), of_public("code", True)]
    assert plans.decide(worked) == Next(Decision.TOKENS)
    for history in (
        # The public client's plan is no way round the site's.
        [ours("code", True)],
        [ours("proof", True), of_public("code", True)],
        [of_public("code", False), ours("code", True)],
    ):
        assert plans.decide(history) == FAIL


def test_decide_password_of_one_plan_is_asked_for_where_the_caller_starts_it(monkeypatch):
    monkeypatch.setenv("SIGN_IN_PLAN", "code")
    monkeypatch.setenv("PUBLIC_SIGN_IN_PLAN", "password code")
    assert plans.decide(PASSWORD[:1]) == Next(Decision.PASSWORD)
    assert plans.decide([*PASSWORD, of_public("code", True)]) == Next(Decision.TOKENS)
    assert plans.decide([*PASSWORD, ours("code", True)]) == FAIL
    assert plans.decide([ours("code", True)]) == Next(Decision.TOKENS)
    assert plans.decide([of_public("code", True)]) == FAIL


def test_plan_of_a_client_is_that_of_the_site_where_there_is_no_other(monkeypatch):
    monkeypatch.delenv("PUBLIC_SIGN_IN_PLAN", raising=False)
    assert plans.of_client(Role.PUBLIC) == plans.of_client(Role.USUAL) == (0, ("code",))
    monkeypatch.setenv("PUBLIC_SIGN_IN_PLAN", "proof code")
    assert plans.of_client(Role.PUBLIC) == (1, ("proof", "code"))
    assert plans.of_client(Role.KNOWN) == (0, ("code",))


# Of people whom the site has proven


def stated(kind, result):
    return ours(kind, result) | {"challengeMetadata": plans.marked(kind, "m", 2)}


@pytest.fixture(params=["code", "password code"])
def with_site_client(monkeypatch, request):
    monkeypatch.setenv("SIGN_IN_PLAN", request.param)
    monkeypatch.setenv("SITE_CLIENT", "true")


def test_decide_statement_is_the_only_step_of_its_client(with_site_client):
    assert plans.of_client(Role.SITE) == (2, ("statement",))
    assert plans.decide([]).decision is Decision.CHALLENGE
    assert plans.decide([stated("statement", True)]) == Next(Decision.TOKENS)
    for history in (
        [stated("statement", False)],
        [stated("statement", False), stated("statement", True)],
        [ours("statement", True)],
        [stated("code", True)],
        [ours("code", False), stated("statement", True)],
        [*PASSWORD, stated("statement", True)],
        [stated("statement", True), ours("code", True)],
    ):
        assert plans.decide(history) == FAIL


def test_decide_statement_counts_nowhere_without_its_client(monkeypatch):
    monkeypatch.delenv("SITE_CLIENT", raising=False)
    assert plans.decide([stated("statement", True)]) == FAIL
    assert plans.decide([ours("statement", True)]) == FAIL


def test_clients_without_a_plan_of_their_own_never_get_that_of_the_site(with_site_client):
    for role in (Role.USUAL, Role.KNOWN, Role.PUBLIC):
        assert plans.of_client(role)[0] == 0


def test_parse_statement_is_no_step_of_a_plan():
    with pytest.raises(environment.WrongEnvironment):
        plans.parse("statement")
    with pytest.raises(environment.WrongEnvironment):
        plans.parse("code statement")


# Of a code alone


@pytest.mark.parametrize("wrong_answers", [0, 1, 2])
def test_next_step_while_tries_are_left_is_a_challenge(wrong_answers):
    history = [ours("code", False, f"m{n}") for n in range(wrong_answers)]
    earlier = tuple(f"m{n}" for n in range(wrong_answers))
    assert step(history) == Next(Decision.CHALLENGE, "code", earlier)


@pytest.mark.parametrize("wrong_answers", [0, 1, 2])
def test_next_step_after_a_right_answer_is_tokens(wrong_answers):
    assert step([*[WRONG] * wrong_answers, RIGHT]) == Next(Decision.TOKENS)


@pytest.mark.parametrize("wrong_answers", [3, 4, 30])
def test_next_step_after_three_wrong_answers_fails(wrong_answers):
    assert step([WRONG] * wrong_answers) == FAIL
    assert step([*[WRONG] * wrong_answers, RIGHT]) == FAIL


@pytest.mark.parametrize("history", [[RIGHT, RIGHT], [RIGHT, WRONG], [WRONG, RIGHT, RIGHT]])
def test_next_step_after_more_than_the_right_answer_fails(history):
    assert step(history) == FAIL


@pytest.mark.parametrize("name", [*BUILT_IN, "custom_challenge", "", None, 1])
@pytest.mark.parametrize("result", [True, False])
def test_next_step_with_another_challenge_anywhere_fails(name, result):
    other = built_in(name, result)
    for history in ([other], [other, RIGHT], [RIGHT, other], [WRONG, other], [other, WRONG, RIGHT]):
        assert step(history) == FAIL


@pytest.mark.parametrize("metadata", [None, "", "kode m", "codes m", "Code m", 1, ["code"]])
def test_next_step_round_of_another_kind_fails(metadata):
    for result in (True, False):
        assert step([RIGHT | {"challengeResult": result, "challengeMetadata": metadata}]) == FAIL


@pytest.mark.parametrize("history", [None, {}, (), (RIGHT,), {"0": RIGHT}, "[]", "", 0, True])
def test_next_step_history_not_a_list_fails(history):
    assert step(history) == FAIL


@pytest.mark.parametrize("entry", [None, True, "CUSTOM_CHALLENGE", 1, [], ["challengeName"], {}])
def test_next_step_entry_not_a_round_fails(entry):
    for history in ([entry], [entry, RIGHT], [RIGHT, entry]):
        assert step(history) == FAIL


@pytest.mark.parametrize("result", [None, "true", "false", 1, 0, [True], {}])
def test_next_step_result_not_a_boolean_fails(result):
    odd = RIGHT | {"challengeResult": result}
    for history in ([odd], [odd, RIGHT], [odd, WRONG], [WRONG, odd]):
        assert step(history) == FAIL


# Of a password, then a code


def test_next_step_password_plan_that_the_caller_starts_without_it_fails():
    for history in ([], [RIGHT], [WRONG], [built_in("PASSWORD_VERIFIER")], [*PASSWORD[1:], RIGHT]):
        assert step(history, ("password", "code")) == FAIL


def test_next_step_password_plan_goes_from_password_to_code_to_tokens():
    plan = ("password", "code")
    assert step(PASSWORD[:1], plan) == Next(Decision.PASSWORD)
    assert step(PASSWORD, plan) == Next(Decision.CHALLENGE, "code")
    assert step([*PASSWORD, WRONG], plan) == Next(Decision.CHALLENGE, "code", ("m",))
    assert step([*PASSWORD, WRONG, RIGHT], plan) == Next(Decision.TOKENS)


@pytest.mark.parametrize("wrong", [0, 1])
def test_next_step_wrong_password_fails(wrong):
    rounds = [*PASSWORD]
    rounds[wrong] = rounds[wrong] | {"challengeResult": False}
    for history in (rounds, [*rounds, RIGHT], [*PASSWORD, *rounds, RIGHT]):
        assert step(history, ("password", "code")) == FAIL


@pytest.mark.parametrize("name", BUILT_IN)
def test_next_step_built_in_round_after_the_password_fails(name):
    for history in ([*PASSWORD, built_in(name)], [*PASSWORD, built_in(name), RIGHT]):
        assert step(history, ("password", "code")) == FAIL


# Of a proof of work that the plan does not name


def test_next_step_work_is_begun_while_it_is_wanted_and_ends_as_it_began():
    plan, proof = ("password", "code"), ours("proof", True)
    calm, work = Next(Decision.CHALLENGE, "code"), Next(Decision.CHALLENGE, "proof")
    assert plans.next_step(plan, PASSWORD) == calm
    assert plans.next_step(plan, PASSWORD, wants_work=True) == work
    # A flow goes on, whatever became of the budgets in between.
    for wants_work in (False, True):
        for rounds, following in (
            ([WRONG], Next(Decision.CHALLENGE, "code", ("m",))),
            ([proof], calm),
            ([ours("proof", False)], Next(Decision.CHALLENGE, "proof", ("m",))),
            ([proof, RIGHT], Next(Decision.TOKENS)),
            ([RIGHT], Next(Decision.TOKENS)),
            ([WRONG, proof], FAIL),
            ([RIGHT, proof], FAIL),
            ([proof], calm),
            ([proof, proof, RIGHT], FAIL),
            ([*[ours("proof", False)] * 2, proof], FAIL),
        ):
            history = [*PASSWORD, *rounds]
            assert plans.next_step(plan, history, wants_work=wants_work) == following


@pytest.mark.parametrize(
    ("plan", "worked"),
    [
        ("code", "proof code"),
        ("captcha code question", "captcha proof code question"),
        ("provider", "proof provider"),
        ("proof captcha code", "proof captcha code"),
    ],
)
def test_work_comes_in_front_of_the_first_text(plan, worked):
    assert " ".join(plans.with_work(plans.parse(plan))) == worked


# Of every plan and every history


def earns_tokens(plan, history) -> bool:
    """Say it another way: a proof of work may come before the text, where the plan has none."""
    ways = [plan]
    if "proof" not in plan:
        text = next((step for step in plan if step in ("code", "provider")), None)
        ways += [tuple(" ".join(plan).replace(text, f"proof {text}", 1).split())] if text else []
    return any(earns_along(way, history) for way in ways)


def earns_along(plan, history) -> bool:
    """Cut the history into the steps of the plan, and look at each."""
    rest = list(history)
    for word in plan:
        if word == "password":
            if rest[:2] != PASSWORD:
                return False
            rest = rest[2:]
            continue
        tries = plans.KINDS[word].tries
        wrong, right = ours(word, False), ours(word, True)
        answers = next((n for n, entry in enumerate(rest) if entry != wrong), len(rest))
        if answers >= tries or rest[answers : answers + 1] != [right]:
            return False
        rest = rest[answers + 1 :]
    return not rest


entries = (
    st.builds(ours, st.sampled_from([*plans.KINDS, "other"]), st.booleans())
    | st.builds(built_in, st.sampled_from([*BUILT_IN, "CUSTOM_CHALLENGE"]), st.booleans())
    | st.sampled_from([RIGHT, WRONG, *PASSWORD])
    | st.none()
    | st.fixed_dictionaries({}, optional={"challengeName": st.text(), "challengeResult": st.none()})
)


@st.composite
def nearly_right(draw):
    """A plan, and a history that follows it but for at most one entry."""
    plan = draw(st.sampled_from(PLANS))
    history = []
    for word in plan:
        if word == "password":
            history += PASSWORD
            continue
        wrong = draw(st.integers(0, plans.KINDS[word].tries))
        history += [ours(word, False)] * wrong + [ours(word, True)]
    change = draw(st.sampled_from(["none", "none", "drop", "add", "replace", "cut"]))
    at = draw(st.integers(0, len(history) - 1))
    if change == "drop":
        del history[at]
    elif change == "add":
        history.insert(at, draw(entries))
    elif change == "replace":
        history[at] = draw(entries)
    elif change == "cut":
        del history[at:]
    return plan, history


cases = nearly_right() | st.tuples(st.sampled_from(PLANS), st.lists(entries, max_size=8))


@given(cases)
@example((("code",), [WRONG, WRONG, RIGHT]))
@example((("code",), [RIGHT, RIGHT]))
@example((("code",), PASSWORD))
@example((("password", "code"), [*PASSWORD, RIGHT]))
@example((("password", "code"), [RIGHT]))
@example((("code",), [ours("proof", True), RIGHT]))
@example((("code",), [ours("proof", True)]))
@example((("code",), [RIGHT | {"challengeName": "SMS_MFA"}]))
def test_next_step_grants_tokens_only_after_every_step_of_the_plan(case):
    plan, history = case
    assert (step(history, plan).decision is Decision.TOKENS) == earns_tokens(plan, history)


@given(cases)
def test_next_step_after_a_failure_nothing_more_is_granted(case):
    plan, history = case
    failed = [step(history[:n], plan).decision is Decision.FAIL for n in range(1, len(history) + 1)]
    assert failed == sorted(failed)


def test_table_in_the_docs_is_what_is_decided():
    """``python -m tests.plan_table`` writes it."""
    assert plan_table.PATH.read_text(encoding="utf-8") == plan_table.table()


# Of what a kind may rely on


@pytest.mark.parametrize(
    ("plan", "is_proven"),
    [
        ("question code", False),
        ("proof question code", False),
        ("password question code", False),
        ("code question", True),
        ("proof code question", True),
    ],
)
def test_proves_before_a_step_is_told_by_our_own_steps_before_it(plan, is_proven):
    assert plans.proves_before(plans.parse(plan), "question") is is_proven
