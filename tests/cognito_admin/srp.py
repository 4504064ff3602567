"""Sign-in with a password the way mobile apps do it: the password itself is never sent."""

from typing import Any

from accounts.aws.srp import Asked, Proof


def sign_in(cognito: Any, pool_id: str, client_id: str, username: str, password: str) -> Any:
    """Return the AuthenticationResult. Raises what Cognito answers."""
    proof = Proof.begin()
    asked = cognito.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": username, "SRP_A": proof.srp_a},
    )
    given = asked["ChallengeParameters"]
    answers = proof.answers(
        Asked(given["USER_ID_FOR_SRP"], given["SALT"], given["SRP_B"], given["SECRET_BLOCK"]),
        password,
        pool_id=pool_id,
    )
    return cognito.respond_to_auth_challenge(
        ClientId=client_id,
        ChallengeName="PASSWORD_VERIFIER",
        **({"Session": asked["Session"]} if "Session" in asked else {}),
        ChallengeResponses={"USERNAME": given["USER_ID_FOR_SRP"], **answers},
    )["AuthenticationResult"]
