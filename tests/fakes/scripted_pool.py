"""A pool behind the strict front whose triggers do what a user's nickname says."""

import base64
import contextlib
import hashlib
import hmac
import json
from itertools import count

import boto3
import pytest
from botocore.exceptions import ClientError

from accounts.aws import srp
from localcloud.emulator import REGION

RIGHT, WRONG = "424242", "000000"
SOURCE = """
import json, os, time

def usual(trigger, request):
    ours = [e for e in request.get("session", ()) if e["challengeName"] == "CUSTOM_CHALLENGE"]
    if trigger == "CreateAuthChallenge":
        tries = str(len(ours))
        return {"publicChallengeParameters": {"tries": tries},
                "privateChallengeParameters": {"code": "424242"}, "challengeMetadata": "m" + tries}
    if trigger == "VerifyAuthChallengeResponse":
        code = request["privateChallengeParameters"]["code"]
        return {"answerCorrect": request["challengeAnswer"] == code}
    if [e["challengeName"] for e in request["session"]] == ["SRP_A"]:
        return {"challengeName": "PASSWORD_VERIFIER"}
    results = [e["challengeResult"] for e in ours]
    return {"challengeName": "CUSTOM_CHALLENGE", "issueTokens": results[-1:] == [True],
            "failAuthentication": results == [False] * 3}

def handler(event, context):
    trigger = event["triggerSource"].partition("_")[0]
    orders = json.loads(event["request"]["userAttributes"].get("nickname", "{}"))
    if "log" in orders:
        with open(orders["log"], "a") as log:
            log.write(trigger + "\\n")
    order = orders.get(trigger, {})
    if "sleep once" in order:
        try:
            os.mkdir(order["sleep once"])
        except FileExistsError:
            pass
        else:
            time.sleep(2)
    time.sleep(order.get("sleep", 0))
    if "raise" in order:
        raise ValueError(order["raise"])
    if "return" in order:
        return order["return"]
    event["response"] = {**usual(trigger, event["request"]), **order.get("response", {})}
    return event
"""
phones = (f"+1201557{number:04d}" for number in count())


class Pool:
    """A pool and a client of it, called as a site calls them."""

    def __init__(self, root, front, triggers, *, admin_only=False, **settings) -> None:
        self.root, self.front = root, front
        self.id = root.cognito.create_user_pool(
            PoolName="strict",
            UsernameAttributes=["phone_number"],
            LambdaConfig=triggers,
            AdminCreateUserConfig={"AllowAdminCreateUserOnly": admin_only},
        )["UserPool"]["Id"]
        for arn in {arn for arn in triggers.values() if ":function:" in arn}:
            self._permit(arn)
        self.api = boto3.Session("none", "none", region_name=REGION).client(
            "cognito-idp", endpoint_url=front.url
        )
        self.client_id, self.secret = self.add_client(**settings)

    def _permit(self, function: str) -> None:
        with contextlib.suppress(self.root.functions.exceptions.ResourceNotFoundException):
            self.root.functions.add_permission(
                FunctionName=function,
                StatementId=self.id,
                Action="lambda:InvokeFunction",
                Principal="cognito-idp.amazonaws.com",
                SourceArn=f"arn:aws:cognito-idp:{REGION}:000000000000:userpool/{self.id}",
            )

    def add_client(self, **settings) -> tuple[str, str]:
        usual = {
            "GenerateSecret": True,
            "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH"],
            "PreventUserExistenceErrors": "ENABLED",
        }
        made = self.root.cognito.create_user_pool_client(
            UserPoolId=self.id, ClientName="site", **usual | settings
        )["UserPoolClient"]
        return made["ClientId"], made["ClientSecret"]

    def add_user(self, **orders) -> str:
        phone = next(phones)
        attributes = {"phone_number": phone, "nickname": json.dumps(orders)}
        self.root.cognito.admin_create_user(
            UserPoolId=self.id,
            Username=phone,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": k, "Value": v} for k, v in attributes.items()],
        )
        return phone

    def set_password(self, phone: str, password: str, *, permanent: bool = True) -> None:
        self.root.cognito.admin_set_user_password(
            UserPoolId=self.id, Username=phone, Password=password, Permanent=permanent
        )

    def sub(self, phone: str) -> str:
        return self.root.cognito.admin_get_user(UserPoolId=self.id, Username=phone)["Username"]

    def named(self, name: str) -> dict[str, str]:
        digest = hmac.digest(self.secret.encode(), (name + self.client_id).encode(), hashlib.sha256)
        return {"USERNAME": name, "SECRET_HASH": base64.b64encode(digest).decode()}

    def start(self, name: str, *, flow="CUSTOM_AUTH", parameters=None, **more):
        return self.api.initiate_auth(
            ClientId=self.client_id,
            AuthFlow=flow,
            AuthParameters=self.named(name) | (parameters or {}),
            **more,
        )

    def answer(self, reply, code: str, *, name=None, **more):
        name = name or reply["ChallengeParameters"]["USERNAME"]
        return self.api.respond_to_auth_challenge(
            ClientId=self.client_id,
            **{"ChallengeName": "CUSTOM_CHALLENGE"} | more,
            ChallengeResponses=self.named(name) | {"ANSWER": code},
            Session=reply["Session"],
        )

    def start_with_password(self, phone: str, proof: srp.Proof):
        """Begin with SRP. Returns the reply, which asks for a proof of the password."""
        return self.start(phone, parameters={"CHALLENGE_NAME": "SRP_A", "SRP_A": proof.srp_a})

    def prove(self, reply, proof: srp.Proof, password: str, **more):
        asked = reply["ChallengeParameters"]
        answers = proof.answers(
            srp.Asked(
                user_id=asked["USER_ID_FOR_SRP"],
                salt=asked["SALT"],
                srp_b=asked["SRP_B"],
                secret_block=asked["SECRET_BLOCK"],
            ),
            password,
            pool_id=self.id,
        )
        return self.api.respond_to_auth_challenge(
            ClientId=self.client_id,
            ChallengeName="PASSWORD_VERIFIER",
            ChallengeResponses=self.named(asked["USERNAME"]) | answers | more,
            Session=reply["Session"],
        )

    def close(self) -> None:
        self.api.close()
        self.root.cognito.delete_user_pool(UserPoolId=self.id)


def error_of(call) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"
