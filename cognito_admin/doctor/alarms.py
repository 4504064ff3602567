"""Whether somebody would hear of it: the alarms of the stack, and their topic."""

from collections.abc import Iterator

from cognito_admin.doctor.case import Case, Finding, ok, warning

_AT_ONCE = 100


def alarms(case: Case) -> Iterator[Finding]:
    names = case.stack.alarms
    described = {
        one["AlarmName"]: one
        for start in range(0, len(names), _AT_ONCE)
        for one in case.account.client("cloudwatch").describe_alarms(
            AlarmNames=names[start : start + _AT_ONCE], MaxRecords=_AT_ONCE
        )["MetricAlarms"]
    }
    bad = False
    if gone := [name for name in names if name not in described]:
        bad = True
        yield warning("alarms", f"{', '.join(gone)} is gone", case.restore)
    topic = case.stack.outputs["AlarmTopicArn"]
    if deaf := [
        name for name, one in described.items() if topic not in one.get("AlarmActions", ())
    ]:
        bad = True
        yield warning("alarms", f"{', '.join(deaf)} tells the topic nothing", case.restore)
    if silent := [name for name, one in described.items() if not one.get("ActionsEnabled")]:
        bad = True
        yield warning(
            "alarms",
            f"{', '.join(silent)} is switched off",
            case.aws("cloudwatch enable-alarm-actions", f"--alarm-names {' '.join(silent)}"),
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


def alarm_topic(case: Case) -> Iterator[Finding]:
    topic = case.stack.outputs["AlarmTopicArn"]
    pages = case.account.client("sns").get_paginator("list_subscriptions_by_topic")
    found = [each for page in pages.paginate(TopicArn=topic) for each in page["Subscriptions"]]
    waiting = [each for each in found if each["SubscriptionArn"] == "PendingConfirmation"]
    if len(waiting) < len(found):
        yield ok("alarm topic", f"{len(found) - len(waiting)} hear the alarms")
    elif waiting:
        yield warning(
            "alarm topic",
            f"nobody hears the alarms: {waiting[0]['Endpoint']} has not confirmed",
            "follow the link in the mail; for another mail: " + _subscribe(case, topic),
        )
    else:
        yield warning("alarm topic", "nobody hears the alarms", _subscribe(case, topic))


def _subscribe(case: Case, topic: str) -> str:
    return case.aws(
        "sns subscribe",
        f"--topic-arn {topic} --protocol email --notification-endpoint ADDRESS",
    )


CHECKS = (alarms, alarm_topic)
