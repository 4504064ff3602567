import pytest

from tests.bench import ledger
from tests.bench.turns import PROJECT
from tests.lambdas.template import RESOURCES

FUNCTIONS = {
    "PreAuthentication": "PreAuthentication",
    "Define": "DefineAuthChallenge",
    "Create": "CreateAuthChallenge",
    "Verify": "VerifyAuthChallengeResponse",
    "Define again": "DefineAuthChallenge",
}
# tests/lambdas/ledger/test_pool.py counts them.
WRITE_UNITS = 7


@pytest.mark.parametrize("call", ledger.CALLS)
def test_bill_has_the_memory_of_the_template(call):
    properties = RESOURCES[FUNCTIONS[call]]["Properties"]
    assert ledger.CALLS[call][1] == properties["MemorySize"] / 1024


def test_bill_in_the_docs_is_the_one_that_is_worked_out():
    page = (PROJECT / "docs/operations.md").read_text()
    time, calls, writes, cognito = ledger.bill(WRITE_UNITS).values()
    assert f"\n| Lambda | {time + calls:.4f} |" in page
    assert f"\n| DynamoDB | {writes:.4f} | {WRITE_UNITS} write units" in page
    assert f"\n| Cognito, Lite | {cognito:.2f} |" in page
