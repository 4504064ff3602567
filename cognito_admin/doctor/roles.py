"""The roles that the functions run as: theirs, and allowed what they need."""

from collections.abc import Iterator

from cognito_admin.doctor.context import Context, Finding, danger, ok
from cognito_admin.doctor.functions import OF_THE_SITE

_KEY, _CLIENTS = "secretsmanager:GetSecretValue", "ssm:GetParameter"
# The same action on another secret.
_SITE_KEY = f"{_KEY} of the site key"
_COUNT, _LOOK = "dynamodb:UpdateItem", "dynamodb:GetItem"
_NEEDS = {
    "CreateAuthChallenge": {_KEY, _CLIENTS, _COUNT, _LOOK},
    "VerifyAuthChallengeResponse": {_KEY, _SITE_KEY, _CLIENTS, _COUNT},
    "PreAuthentication": {_SITE_KEY, _CLIENTS},
    "SiteTexts": {_KEY, _COUNT},
    "ManageLedger": {_KEY, _LOOK},
}
_SENDS = {
    "sns": "sns:Publish",
    "end_user_messaging": "sms-voice:SendTextMessage",
    "pinpoint": "mobiletargeting:SendMessages",
    "notify": "sms-voice:SendNotifyTextMessage",
}
_CALLS = {
    "end_user_messaging": "sms-voice:SendVoiceMessage",
    "notify": "sms-voice:SendNotifyVoiceMessage",
}
# By the parameters that switch them on.
_CHANNELS = {
    "WhatsappNumberId": "social-messaging:SendWhatsAppMessage",
    "EmailSender": "ses:SendEmail",
}
_ACCOUNTS = "cognito-idp:AdminGetUser"
_CARRIERS = "sms-voice:CarrierLookup"
_SENDERS = ("CreateAuthChallenge", "SiteTexts")


def roles(context: Context) -> Iterator[Finding]:
    """Each function runs as its own role, and that role may do what it needs."""
    bad = False
    for name in (*context.stack.triggers, *OF_THE_SITE):
        function = context.stack.triggers.get(name) or context.stack.resources[name]
        config = context.account.client("lambda").get_function_configuration(FunctionName=function)
        role, own = config["Role"], context.stack.resources[f"{name}Role"]
        if role.rpartition("/")[2] != own:
            bad = True
            yield danger("roles", f"{name} runs as {role}, and not as {own}", context.restore)
        elif denied := _denied(context, role, name):
            bad = True
            yield danger(
                "roles", f"{name} may not do {', '.join(denied)}: its role {own}", context.restore
            )
    if not bad:
        yield ok("roles", "each function has its own, and may do what it does")


def _denied(context: Context, role: str, name: str) -> list[str]:
    needed = set(_NEEDS.get(name, ()))
    if name in _SENDERS:
        senders = (context.parameter("SmsSenders") or "sns").split(",")
        needed |= {_SENDS[each] for each in senders}
    if name == "SiteTexts":
        needed |= _of_channels(context)
        if context.parameter("CarrierLookup") == "true":
            needed.add(_CARRIERS)
    simulate = context.account.client("iam").simulate_principal_policy
    return [
        action
        for action in sorted(needed)
        if simulate(
            PolicySourceArn=role,
            ActionNames=[action.partition(" ")[0]],
            ResourceArns=[_resource(context, action)],
        )["EvaluationResults"][0]["EvalDecision"]
        != "allowed"
    ]


def _of_channels(context: Context) -> set[str]:
    """Return what the channels but texts need, where there are any."""
    calls = (context.parameter("VoiceSenders") or "").split(",")
    needed = {action for sender, action in _CALLS.items() if sender in calls}
    needed |= {action for name, action in _CHANNELS.items() if context.parameter(name)}
    return needed | {_ACCOUNTS} if needed else needed


def _resource(context: Context, action: str) -> str:
    """Return a resource for the policy simulator: of the stack, or a number to text from."""
    _, partition, _, region, account, _ = context.pool_arn.split(":", 5)
    here = f"{region}:{account}"
    if action == _KEY:
        # Any six characters.
        return f"arn:{partition}:secretsmanager:{here}:secret:{context.stack.code_key}-AbCdEf"
    if action == _SITE_KEY:
        arn = context.stack.site_key
        return (
            arn
            if arn.startswith("arn:")
            else f"arn:{partition}:secretsmanager:{here}:secret:{arn}-AbCdEf"
        )
    if action == _CLIENTS:
        return f"arn:{partition}:ssm:{here}:parameter{context.stack.client_list}"
    if action == _ACCOUNTS:
        return context.pool_arn
    if action == _CHANNELS["WhatsappNumberId"]:
        return f"arn:{partition}:social-messaging:{here}:phone-number-id/any"
    if "Notify" in action:
        return f"arn:{partition}:sms-voice:{here}:notify-configuration/any"
    if action in (_COUNT, _LOOK):
        return f"arn:{partition}:dynamodb:{here}:table/{context.stack.ledger}"
    if action == _SENDS["end_user_messaging"]:
        return context.parameter("EumOriginationIdentity") or (
            f"arn:{partition}:sms-voice:{here}:phone-number/phone-1"
        )
    if action == _SENDS["pinpoint"]:
        return (
            f"arn:{partition}:mobiletargeting:{here}:apps/{context.parameter('PinpointProjectId')}"
        )
    return "*"


CHECKS = (roles,)
