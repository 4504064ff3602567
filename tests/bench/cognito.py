"""A user pool in a process of its own, which signs real tokens after a latency that is given.

``python -m tests.bench.cognito --latency 0.3`` prints its address. Every number has an account, and
the code of a number is its last six digits. With ``--users`` it lists that many, who are those of
``crowd``. The same process is an OpenID Connect provider, for the peer that signs in that way.
"""

import argparse
import asyncio
import hashlib
import json
import secrets
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

POOL_ID, CLIENT_ID, CLIENT_SECRET = "eu-west-1_Example01", "exampleclientid", "exampleclientsecret"


def sub_of(phone: str) -> str:
    # As a database can work it out, too (crowd).
    return str(uuid.UUID(hashlib.md5(phone.encode(), usedforsecurity=False).hexdigest()))


def phone_of(n: int) -> str:
    """Return the number of user ``n`` of a crowd, counted from 1."""
    return f"+1201{2_000_000 + n}"


def code_of(phone: str) -> str:
    return phone[-6:]


@contextmanager
def running(latency: float = 0.0, users: int = 0) -> Iterator[str]:
    """Run one on a free port of loopback, and give its address."""
    options = [f"--latency={latency}", f"--users={users}"]
    command = [sys.executable, "-m", "tests.bench.cognito", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.kill()


class Pool:
    def __init__(self, users: int = 0) -> None:
        self.issuer = ""
        self._users = users
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def keys(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [public | {"kid": "pool", "use": "sig", "alg": "RS256"}]}

    def id_token(self, phone: str, **claims: Any) -> str:
        now = int(time.time())
        content = {
            "sub": sub_of(phone),
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "token_use": "id",
            "iat": now,
            "exp": now + 3600,
            "phone_number": phone,
            "phone_number_verified": True,
            "locale": "en",
            **claims,
        }
        return jwt.encode(content, self._key, "RS256", headers={"kid": "pool"})

    def call(self, operation: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if operation == "InitiateAuth":
            return 200, _challenge(asked["AuthParameters"]["USERNAME"], tries=3)
        if operation == "RespondToAuthChallenge":
            # As long as Cognito's.
            phone = asked["Session"].rstrip("x")
            if asked["ChallengeResponses"]["ANSWER"] != code_of(phone):
                return 200, _challenge(phone, tries=2)
            tokens = {
                "IdToken": self.id_token(phone),
                "AccessToken": "a" * 1000,
                "RefreshToken": "r" * 1700,
            }
            result = {**tokens, "ExpiresIn": 3600, "TokenType": "Bearer"}
            return 200, {"AuthenticationResult": result, "ChallengeParameters": {}}
        if operation == "AdminCreateUser":
            return 200, {"User": {**_user(asked["Username"]), "Attributes": _told(asked)}}
        if operation == "AdminGetUser":
            return 200, {**_user(asked["Username"]), "UserAttributes": _told(asked)}
        if operation == "ListUsers":
            start = int(asked.get("PaginationToken", 0))
            end = min(start + asked["Limit"], self._users)
            page: dict[str, Any] = {"Users": [_listed(n) for n in range(start + 1, end + 1)]}
            return 200, page | ({"PaginationToken": str(end)} if end < self._users else {})
        if operation == "AdminUpdateUserAttributes":
            return 200, {}
        return 400, {"__type": "InvalidParameterException", "message": f"No {operation} here"}

    def serve(self, path: str, asked: dict[str, list[str]]) -> dict[str, Any]:
        """Answer as an OpenID Connect provider does: the code to exchange is the number."""
        if path == "/jwks.json":
            return self.keys()
        if path == "/token":
            phone, _, nonce = asked["code"][0].partition("|")
            token = self.id_token(phone, **({"nonce": nonce} if nonce else {}))
            return {"id_token": token, "access_token": phone, "token_type": "Bearer"}
        return {"email": f"{asked['access_token'][0]}@example.com"}


def _told(asked: dict[str, Any]) -> list[dict[str, str]]:
    phone = asked["Username"]
    told = {"sub": sub_of(phone), "phone_number": phone, "phone_number_verified": "true"}
    return [{"Name": name, "Value": value} for name, value in told.items()]


def _user(phone: str) -> dict[str, Any]:
    return {
        "Username": sub_of(phone),
        "UserCreateDate": 1_700_000_000.0,
        "UserLastModifiedDate": 1_700_000_000.0,
        "Enabled": True,
        "UserStatus": "CONFIRMED",
    }


def _listed(n: int) -> dict[str, Any]:
    """Return a user of the list as the crowd's row has them."""
    phone = phone_of(n)
    attributes = {attribute["Name"]: attribute for attribute in _told({"Username": phone})}
    if n % 10 == 0:
        attributes["phone_number_verified"]["Value"] = "false"
    return {**_user(phone), "Enabled": n % 1000 != 5, "Attributes": list(attributes.values())}


def _challenge(phone: str, *, tries: int) -> dict[str, Any]:
    now = int(time.time())
    return {
        "ChallengeName": "CUSTOM_CHALLENGE",
        "Session": f"{phone:x<900}",
        "ChallengeParameters": {
            "USERNAME": sub_of(phone),
            "expiresAt": str(now + 300),
            "resendAt": str(now + 30),
            "triesLeft": str(tries),
            "codeLength": "6",
            "delivery": "sent",
            "reference": "".join(secrets.choice("23456789ABCDEFGHJK") for _ in range(6)),
            "textedAt": str(now),
            "now": str(now),
        },
    }


async def serve(latency: float, users: int) -> None:
    pool = Pool(users)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.split("\r\n")
                pairs = (line.partition(":") for line in lines if line)
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                path = first.split()[1]
                status = 200
                if target := headers.get("x-amz-target"):
                    await asyncio.sleep(latency)
                    status, reply = pool.call(target.partition(".")[2], json.loads(body))
                else:
                    token = headers.get("authorization", "").removeprefix("Bearer ")
                    form = {**parse_qs(body.decode()), "access_token": [token]}
                    reply = pool.serve(path, form)
                content = json.dumps(reply).encode()
                writer.write(
                    f"HTTP/1.1 {status} OK\r\ncontent-type: application/json\r\n"
                    f"content-length: {len(content)}\r\n\r\n".encode()
                    + content
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=512)
    pool.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(pool.issuer, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds a call takes")
    parser.add_argument("--users", type=int, default=0, help="how many the list has")
    wanted = parser.parse_args()
    asyncio.run(serve(wanted.latency, wanted.users))
