"""The list of app clients: who is not on it gets nothing, and without it nobody does."""

import time

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from lambdas.triggers import clients, environment
from lambdas.triggers.plans import Role
from tests.lambdas import aws
from tests.wire import Reply, aws_error


def grow_old(seconds: float) -> None:
    clients.allowed._read_at -= seconds


def refused(client_id: object) -> bool:
    try:
        clients.require(client_id)
    except clients.ClientNotAllowed:
        return True
    return False


def test_client_on_the_list_is_let_through(parameters):
    parameters.will(aws.clients_read("one"))
    clients.require("one")
    assert parameters.requests[0].operation == "GetParameter"
    assert parameters.requests[0].json == {"Name": aws.CLIENT_IDS_PARAMETER}


@pytest.mark.parametrize("value", ["one,two", " one , two ", "one,two,"])
def test_client_on_a_longer_list_is_let_through(parameters, value):
    parameters.will(Reply({"Parameter": {"Value": value}}))
    clients.require("one")
    clients.require("two")
    assert refused("")


@pytest.mark.parametrize(
    "client_id",
    [
        "two",
        "ONE",
        "on",
        "one,two",
        "one ",
        "",
        None,
        0,
        True,
        "CLIENT_ID_NOT_APPLICABLE",
        ("one",),
    ],
)
def test_client_that_is_not_on_the_list_is_refused(parameters, client_id):
    parameters.will(aws.clients_read("one", "other"))
    assert refused(client_id)


def test_refusal_does_not_tell_who_is_on_the_list(parameters):
    parameters.will(aws.clients_read("one"))
    with pytest.raises(clients.ClientNotAllowed, match=r"^This app client gets no codes$"):
        clients.require("two")


@pytest.mark.parametrize("value", ["", " ", ",", " , "])
def test_list_that_is_empty_refuses_everybody(parameters, value):
    parameters.will(Reply({"Parameter": {"Value": value}}))
    assert refused("")
    assert refused("one")
    assert refused(None)


def test_list_is_read_once_within_a_minute(parameters):
    parameters.will(aws.clients_read("one"))
    for _ in range(3):
        clients.require("one")
    grow_old(59)
    clients.require("one")
    assert len(parameters.requests) == 1


def test_list_is_read_again_after_a_minute(parameters):
    parameters.will(aws.clients_read("one"), aws.clients_read("two"))
    clients.require("one")
    grow_old(61)
    clients.require("two")
    assert refused("one")
    assert len(parameters.requests) == 2


@pytest.mark.parametrize(
    "down",
    [
        aws_error("ThrottlingException"),
        aws_error("InternalServerError", status=500),
        Reply(drop=True),
    ],
)
def test_list_that_cannot_be_read_again_serves_on_and_is_asked_for_a_minute_later(parameters, down):
    parameters.will(aws.clients_read("one"), down, aws.clients_read("two"))
    clients.require("one")
    grow_old(61)
    for _ in range(3):
        clients.require("one")
    assert refused("two")
    assert len(parameters.requests) == 2
    grow_old(61)
    clients.require("two")
    assert refused("one")


def test_list_that_was_never_read_refuses_everybody(parameters):
    parameters.will(aws_error("ParameterNotFound"))
    with pytest.raises(ClientError):
        clients.require("one")
    with pytest.raises(ClientError):
        clients.require(None)


def test_list_that_was_never_read_is_asked_for_every_time(parameters):
    parameters.will(aws_error("InternalServerError", status=500), aws.clients_read("one"))
    with pytest.raises(ClientError):
        clients.require("one")
    clients.require("one")


def test_list_that_hangs_is_given_up_soon_and_asked_for_once(parameters):
    parameters.will(aws.HANGING)
    started = time.monotonic()
    with pytest.raises(ReadTimeoutError):
        clients.require("one")
    assert time.monotonic() - started < 1.5
    assert len(parameters.requests) == 1


def test_list_that_is_unreachable_is_given_up_soon(parameters, deaf, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", deaf)
    started = time.monotonic()
    with pytest.raises(ConnectTimeoutError):
        clients.require("one")
    assert time.monotonic() - started < 1.2


def test_list_without_a_name_names_the_variable_and_asks_nothing(parameters, monkeypatch):
    monkeypatch.delenv("CLIENT_IDS_PARAMETER")
    with pytest.raises(environment.WrongEnvironment, match="CLIENT_IDS_PARAMETER"):
        clients.require("one")
    assert parameters.requests == []


def test_client_for_what_this_version_does_not_know_is_refused(parameters):
    parameters.will(Reply({"Parameter": {"Value": "one, two=known, three=something"}}))
    assert (clients.require("one"), clients.require("two")) == (Role.USUAL, Role.KNOWN)
    assert refused("three")


def test_client_with_a_plan_of_its_own_is_told_so(parameters):
    parameters.will(Reply({"Parameter": {"Value": "one, two=public"}}))
    assert (clients.require("one"), clients.require("two")) == (Role.USUAL, Role.PUBLIC)
    assert refused("two=public")
