"""PreAuthentication: no flow of the client for known browsers begins without a proof of the site.

Cognito calls it before anything else of a flow, and shows it what InitiateAuth carried as
ClientMetadata (here ``validationData``). Create and Verify know by the client that it was right.
All other clients pass.
"""

import time
from typing import Any

from . import clients, errors, statements, telemetry
from .plans import Role

# Its name in ClientMetadata.
_PROOF = "knownBrowser"


class ProofWanted(Exception):
    """No proof, or none of this user and of now. Cognito hands the message to the caller."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return Cognito's event. Raises ProofWanted, ClientNotAllowed and TryAgainLater."""
    with errors.hiding_aws_errors():
        role = clients.allowed.roles().get(event["callerContext"].get("clientId"))
        # Others are none of our business: the pool may have clients that we know nothing of.
        if role is Role.KNOWN and not _is_proven(event):
            telemetry.record("known_browser_refused", metrics={"KnownBrowsersRefused": 1})
            raise ProofWanted("This app client wants a proof")
    return event


def _is_proven(event: dict[str, Any]) -> bool:
    request = event["request"]
    attributes = request.get("userAttributes") or {}
    is_known = request.get("userNotFound") is not True
    return statements.says_known(
        (request.get("validationData") or {}).get(_PROOF),
        pool=event["userPoolId"],
        sub=attributes.get("sub", "") if is_known else "",
        now=time.time(),
    )
