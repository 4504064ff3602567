"""Why a text did not leave, in words that say how to go on."""

import pytest

from lambdas.triggers.ledger import Verdict
from localcloud import unsent


@pytest.mark.parametrize("reason", set(Verdict) - {Verdict.SEND, Verdict.SEND_AGAIN})
def test_limit_is_told_with_the_way_on(reason):
    line = {"phone": "+•••23", "Reason": str(reason), "reference": "K7F-2Q"}
    told = unsent.told(line)
    assert told.startswith("No text to +•••23 (K7F-2Q): ")
    assert told.split(". ")[1]


def test_reason_of_a_sender_is_told_as_it_is():
    line = {"phone": "+•••23", "Reason": "opted_out"}
    assert unsent.told(line).startswith("No text to +•••23: opted_out.")
