"""Call each trigger once before anybody waits for it: the first call loads its modules.

On a busy machine that takes longer than Cognito waits, and the first person would get no text.
"""

import contextlib
import json
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.triggers import plans
from localcloud.cloud import Cloud

# More than a first call takes; nobody waits longer.
LONGEST = 20.0


def warm_up(cloud: Cloud) -> None:
    """Take somebody without an account through a sign-in. Nothing is texted, whatever happens."""
    session, url = cloud.root_session(), cloud.emulator.url
    once = Config(read_timeout=LONGEST, retries={"total_max_attempts": 1})
    functions = session.client("lambda", endpoint_url=url, config=once)
    pool, client = cloud.outputs["CognitoUserPoolId"], cloud.outputs["CognitoClientId"]

    def call(trigger: str, **request: Any) -> dict[str, Any]:
        event = {
            "version": "1",
            "triggerSource": f"{trigger}_Authentication",
            "userPoolId": pool,
            "userName": "nobody",
            "callerContext": {"clientId": client},
            "request": {"userAttributes": {}, "userNotFound": True, **request},
            "response": {},
        }
        reply = functions.invoke(FunctionName=triggers[trigger], Payload=json.dumps(event))
        response: dict[str, Any] = json.loads(reply["Payload"].read())["response"]
        return response

    with contextlib.suppress(BotoCoreError, ClientError, ValueError, KeyError):
        idp = session.client("cognito-idp", endpoint_url=url)
        described = idp.describe_user_pool(UserPoolId=pool)["UserPool"]
        triggers: dict[str, Any] = {**described["LambdaConfig"]}
        # A password, which Cognito itself checks, may come before our first challenge.
        first = cloud.outputs["AccountsSignInPlan"].split()[0]
        rounds = plans.PASSWORD_ROUNDS if first == plans.PASSWORD else ()
        session_so_far = [{"challengeName": name, "challengeResult": True} for name in rounds]
        call("DefineAuthChallenge", session=session_so_far)
        drawn = call(
            "CreateAuthChallenge", session=session_so_far, challengeName=plans.OUR_CHALLENGE
        )
        secret = drawn["privateChallengeParameters"]
        call(
            "VerifyAuthChallengeResponse",
            privateChallengeParameters=secret,
            challengeAnswer="0" * 6,
        )
