"""Dry runs: a function does its work for nobody, and nothing is left of it but a line."""

import time

import pytest

from lambdas.triggers import (
    create_auth_challenge,
    environment,
    errors,
    ledger,
    site_texts,
    verify_auth_challenge_response,
)
from tests.lambdas import aws, emf
from tests.wire import aws_error

pytestmark = pytest.mark.cloud


def create(flow):
    event = flow.start_event()
    event["triggerSource"] = "CreateAuthChallenge_DryRun"
    return create_auth_challenge.handler(event, None)["response"]


def verify(flow):
    event = flow.start_event()
    event["triggerSource"] = "VerifyAuthChallengeResponse_DryRun"
    event["request"] |= {
        "privateChallengeParameters": {
            "challengeId": "6Zk3vQ1rT8yLw0XnB5mJ2dA",
            "expiresAt": "9900000300",
        },
        "challengeAnswer": "000000",
    }
    return verify_auth_challenge_response.handler(event, None)["response"]


def texts(flow):
    return site_texts.handler({"action": "dry_run", "phone": flow.phone}, None)


RUNS = {"create": create, "verify": verify, "texts": texts}


@pytest.mark.parametrize("name", RUNS)
def test_dry_run_texts_nobody_whatever_number_the_event_has(flow, sns, name):
    RUNS[name](flow)
    assert sns.requests == []


@pytest.mark.parametrize("name", RUNS)
def test_dry_run_spends_no_budget_and_counts_for_no_number(flow, table, name):
    book, now = ledger.configured(), time.time()
    before = book.overview.read(1, now=now)
    RUNS[name](flow)
    state = book.show(flow.name, now=now)
    assert (state.failures, state.sends_last_day) == (0, 0)
    assert book.overview.read(1, now=now) == before


@pytest.mark.parametrize("name", RUNS)
def test_dry_run_writes_one_line_that_is_known_again_and_no_metric(flow, capsys, name):
    RUNS[name](flow)
    RUNS[name](flow)
    for line in emf.lines(capsys.readouterr().out):
        assert line["event"] == "dry_run"
        assert emf.metrics(line) == {}
        assert flow.phone not in str(line)


def test_dry_run_of_create_answers_as_always(flow):
    public = create(flow)["publicChallengeParameters"]
    assert set(public) == set(flow.start()["publicChallengeParameters"])


def test_dry_run_of_verify_is_never_right(flow):
    assert verify(flow) == {"answerCorrect": False}


@pytest.mark.parametrize("name", RUNS)
def test_dry_run_fails_where_the_table_does(flow, table, name):
    table.fail(aws_error("AccessDeniedException"))
    with pytest.raises(errors.TryAgainLater):
        RUNS[name](flow)


@pytest.mark.parametrize("name", RUNS)
def test_dry_run_fails_where_the_key_cannot_be_read(flow, secrets_manager, name):
    secrets_manager.renew(aws_error("AccessDeniedException"))
    with pytest.raises(errors.TryAgainLater):
        RUNS[name](flow)


@pytest.mark.parametrize("name", ["create", "verify"])
def test_dry_run_fails_where_the_list_of_clients_cannot_be_read(flow, parameters, name):
    parameters.renew(aws_error("ParameterNotFound"))
    with pytest.raises(errors.TryAgainLater):
        RUNS[name](flow)


@pytest.mark.parametrize("name", ["create", "texts"])
@pytest.mark.parametrize("variable", ["APP_NAME", "SITE_HOST"])
def test_dry_run_fails_where_a_text_could_not_be_written(flow, monkeypatch, name, variable):
    monkeypatch.setenv(variable, "")
    with pytest.raises(environment.WrongEnvironment, match=variable):
        RUNS[name](flow)


@pytest.mark.parametrize("name", ["create", "texts"])
def test_dry_run_fails_where_no_sender_is_known(flow, monkeypatch, name):
    monkeypatch.setenv("SMS_SENDERS", "pigeons")
    with pytest.raises(environment.WrongEnvironment, match="SMS_SENDERS"):
        RUNS[name](flow)


def test_source_that_cognito_gives_is_no_dry_run(flow, sns):
    flow.start()
    assert [phone for phone, _ in aws.texts(sns)] == [flow.phone]
