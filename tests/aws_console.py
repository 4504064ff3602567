"""What somebody does with the local AWS's user pool in the console of AWS."""

import secrets

PASSWORD = f"aA1!{secrets.token_urlsafe(16)}"


class Console:
    """What somebody does in the console of AWS."""

    def __init__(self, cloud) -> None:
        self._api = cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)
        self._pool = {"UserPoolId": cloud.outputs["CognitoUserPoolId"]}

    def __call__(self, operation: str, name: str | None = None, **parameters):
        if name is not None:
            parameters["Username"] = name
        return getattr(self._api, operation)(**self._pool, **parameters)

    def create(self, phone: str, *, verified: bool) -> str:
        """Make a user and return the sub."""
        attributes = [
            {"Name": "phone_number", "Value": phone},
            {"Name": "phone_number_verified", "Value": str(verified).lower()},
        ]
        made = self("admin_create_user", phone, UserAttributes=attributes, MessageAction="SUPPRESS")
        return next(a["Value"] for a in made["User"]["Attributes"] if a["Name"] == "sub")

    def sign_up(self, phone: str) -> str:
        """Sign up with a password, through a client and past a trigger that would let nobody."""
        client = self._open_client()
        pool = self("describe_user_pool")["UserPool"]
        triggers = pool["LambdaConfig"]
        # Cognito itself would reset what is left out; the local AWS keeps it.
        self("update_user_pool", LambdaConfig={})
        try:
            made = self._api.sign_up(
                ClientId=client,
                Username=phone,
                Password=PASSWORD,
                UserAttributes=[{"Name": "phone_number", "Value": phone}],
            )
        finally:
            self("update_user_pool", LambdaConfig=triggers)
        return made["UserSub"]

    def accepts(self, phone: str, password: str) -> bool:
        """Tell whether a client that took passwords would take this one."""
        try:
            self(
                "admin_initiate_auth",
                ClientId=self._open_client(),
                AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": phone, "PASSWORD": password},
            )
        except self._api.exceptions.NotAuthorizedException:
            return False
        return True

    def _open_client(self) -> str:
        """A client without a secret that takes passwords, as ours does not."""
        for client in self("list_user_pool_clients")["UserPoolClients"]:
            if client["ClientName"] == "open":
                return client["ClientId"]
        made = self(
            "create_user_pool_client",
            ClientName="open",
            ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
        )
        return made["UserPoolClient"]["ClientId"]
