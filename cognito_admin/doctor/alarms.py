"""The alarms of the stack and their topic: somebody must hear them."""

from collections.abc import Iterator

from cognito_admin.doctor.context import Context, Finding, ok, warning

_AT_ONCE = 100


def alarms(context: Context) -> Iterator[Finding]:
    """The alarms exist, and may tell the topic."""
    names = context.stack.alarms
    described = {
        one["AlarmName"]: one
        for start in range(0, len(names), _AT_ONCE)
        for one in context.account.client("cloudwatch").describe_alarms(
            AlarmNames=names[start : start + _AT_ONCE], MaxRecords=_AT_ONCE
        )["MetricAlarms"]
    }
    bad = False
    if gone := [name for name in names if name not in described]:
        bad = True
        yield warning("alarms", f"{', '.join(gone)} is gone", context.restore)
    topic = context.stack.outputs["AlarmTopicArn"]
    if deaf := [
        name for name, one in described.items() if topic not in one.get("AlarmActions", ())
    ]:
        bad = True
        yield warning("alarms", f"{', '.join(deaf)} tells the topic nothing", context.restore)
    if silent := [name for name, one in described.items() if not one.get("ActionsEnabled")]:
        bad = True
        yield warning(
            "alarms",
            f"{', '.join(silent)} is switched off",
            context.aws("cloudwatch enable-alarm-actions", f"--alarm-names {' '.join(silent)}"),
        )
    for name, one in described.items():
        if one.get("StateValue") == "ALARM":
            bad = True
            yield warning(
                "alarms",
                f"{name} rings: {one.get('StateReason', '')}"[:200],
                "docs/operations.md#alarms says what it means",
            )
    if not bad:
        yield ok("alarms", f"{len(names)} are there, and none rings")


def alarm_topic(context: Context) -> Iterator[Finding]:
    """Somebody has subscribed to the topic, and confirmed it."""
    topic = context.stack.outputs["AlarmTopicArn"]
    pages = context.account.client("sns").get_paginator("list_subscriptions_by_topic")
    found = [each for page in pages.paginate(TopicArn=topic) for each in page["Subscriptions"]]
    waiting = [each for each in found if each["SubscriptionArn"] == "PendingConfirmation"]
    if len(waiting) < len(found):
        yield ok("alarm topic", f"{len(found) - len(waiting)} hear the alarms")
    elif waiting:
        yield warning(
            "alarm topic",
            f"nobody hears the alarms: {waiting[0]['Endpoint']} has not confirmed",
            "follow the link in the mail; for another mail: " + _subscribe(context, topic),
        )
    else:
        yield warning("alarm topic", "nobody hears the alarms", _subscribe(context, topic))


def _subscribe(context: Context, topic: str) -> str:
    return context.aws(
        "sns subscribe",
        f"--topic-arn {topic} --protocol email --notification-endpoint ADDRESS",
    )


CHECKS = (alarms, alarm_topic)
