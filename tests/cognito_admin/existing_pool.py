"""A pool of somebody else's with many settings, and all that can be read of it."""

import copy
from typing import Any

from localcloud import stack

OTHER = "arn:aws:lambda:us-east-1:000000000000:function:somebody-elses"
RICH = {
    "PoolName": "members",
    "UsernameAttributes": ["phone_number", "email"],
    "UsernameConfiguration": {"CaseSensitive": False},
    "AutoVerifiedAttributes": ["email"],
    "MfaConfiguration": "OPTIONAL",
    "DeletionProtection": "ACTIVE",
    "UserPoolTier": "ESSENTIALS",
    "Policies": {
        "PasswordPolicy": {
            "MinimumLength": 10,
            "RequireUppercase": True,
            "RequireLowercase": True,
            "RequireNumbers": True,
            "RequireSymbols": False,
            "TemporaryPasswordValidityDays": 21,
        }
    },
    "LambdaConfig": {"PostConfirmation": OTHER, "PreTokenGeneration": OTHER},
    "AdminCreateUserConfig": {
        "AllowAdminCreateUserOnly": False,
        "UnusedAccountValidityDays": 21,
        "InviteMessageTemplate": {
            "SMSMessage": "{username}: your password is {####}",
            "EmailMessage": "{username}: your password is {####}",
            "EmailSubject": "Welcome",
        },
    },
    "VerificationMessageTemplate": {
        "DefaultEmailOption": "CONFIRM_WITH_LINK",
        "EmailMessageByLink": "Click {##here##}",
        "EmailSubjectByLink": "Confirm",
    },
    "SmsAuthenticationMessage": "Your code is {####}",
    "EmailConfiguration": {
        "EmailSendingAccount": "DEVELOPER",
        "SourceArn": "arn:aws:ses:us-east-1:000000000000:identity/example.com",
        "From": "Members <members@example.com>",
        "ReplyToEmailAddress": "help@example.com",
    },
    "DeviceConfiguration": {
        "ChallengeRequiredOnNewDevice": False,
        "DeviceOnlyRememberedOnUserPrompt": True,
    },
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
    "AccountRecoverySetting": {
        "RecoveryMechanisms": [
            {"Name": "verified_email", "Priority": 1},
            {"Name": "verified_phone_number", "Priority": 2},
        ]
    },
    "UserPoolTags": {"team": "members", "cost-centre": "42"},
    "Schema": [{"Name": "plan", "AttributeDataType": "String", "Mutable": True}],
}


def undeploy(aws) -> None:
    """As make undeploy, and the table and key that it leaves."""
    cloudformation = aws.client("cloudformation")
    cloudformation.delete_stack(StackName=stack.STACK)
    stack._wait(cloudformation, gone=True)
    dynamodb, secrets = aws.client("dynamodb"), aws.client("secretsmanager")
    if "phone-login-ledger-local" in dynamodb.list_tables()["TableNames"]:
        dynamodb.update_table(TableName="phone-login-ledger-local", DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName="phone-login-ledger-local")
    for one in secrets.list_secrets()["SecretList"]:
        secrets.delete_secret(SecretId=one["ARN"], ForceDeleteWithoutRecovery=True)


def everything(aws, pool_id: str) -> dict[str, Any]:
    """All that is set of a pool, its second factors and its clients."""
    cognito = aws.client("cognito-idp")
    mfa = cognito.get_user_pool_mfa_config(UserPoolId=pool_id)
    del mfa["ResponseMetadata"]
    clients = {}
    for one in cognito.list_user_pool_clients(UserPoolId=pool_id, MaxResults=60)["UserPoolClients"]:
        clients[one["ClientName"]] = cognito.describe_user_pool_client(
            UserPoolId=pool_id, ClientId=one["ClientId"]
        )["UserPoolClient"]
    described = cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"]
    del described["LastModifiedDate"]
    # Cognito does not say what is not set; the local AWS may.
    described = {name: value for name, value in described.items() if value not in ({}, "")}
    return copy.deepcopy({"pool": described, "mfa": mfa, "clients": clients})
