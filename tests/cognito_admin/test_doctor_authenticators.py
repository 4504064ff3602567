"""Authenticator apps before the doctor, with pools and clients as Cognito describes them."""

import pytest

from cognito_admin.aws_account import Account
from cognito_admin.doctor import pool
from cognito_admin.doctor.context import Context, Level

APP = "custom:authenticator"
ATTRIBUTES = [{"Name": name, "Mutable": True} for name in ("locale", "sub", APP)]


class Described(Context):
    """A stage whose pool, clients and parameters are known already."""

    def __init__(self, plan: str, attributes: list, *written: list[str] | None) -> None:
        super().__init__(Account("us-east-1", None), "tests")
        self.plan = plan
        self.__dict__["pool"] = {"SchemaAttributes": attributes}
        self.__dict__["clients"] = [
            {"ClientId": f"c{place}", "ClientName": f"app {place}"}
            | ({} if each is None else {"WriteAttributes": each})
            for place, each in enumerate(written)
        ]

    @property
    def pool_id(self) -> str:
        return "us-east-1_Tests"

    def parameter(self, name: str) -> str:
        return self.plan if name == "SignInPlan" else ""


def found(*described):
    return list(pool.authenticator_apps(Described(*described)))


@pytest.mark.parametrize("plan", ["", "code", "password code"])
def test_apps_that_no_sign_in_asks_for_are_no_fault(plan):
    [finding] = found(plan, [], ["locale", APP])
    assert finding.level is Level.OK


def test_pool_without_the_attribute_is_told_how_to_add_it():
    [finding] = found("code authenticator", ATTRIBUTES[:2], ["locale"])
    assert finding.level is Level.DANGER
    assert "Name=authenticator,AttributeDataType=String" in f"{finding.text} {finding.repair}"


@pytest.mark.parametrize("written", [None, [], ["locale", APP]])
def test_client_that_may_write_the_attribute_is_named_with_the_remedy(written):
    [finding] = found("code authenticator", ATTRIBUTES, ["locale"], written)
    assert finding.level is Level.DANGER
    assert "app 1" in f"{finding.text} {finding.repair}"
    assert 'WriteAttributes=["locale"]' in f"{finding.text} {finding.repair}"


def test_clients_that_may_not_write_the_attribute_are_well():
    [finding] = found("code authenticator", ATTRIBUTES, ["locale"], ["name"])
    assert finding.level is Level.OK
