"""System checks, run as Django runs them."""

import pytest
from django.core.checks import CheckMessage, Tags, run_checks
from django.core.management import call_command


def found(*, deploy: bool = False) -> list[CheckMessage]:
    return [
        message
        for message in run_checks(include_deployment_checks=deploy)
        if str(message.id).startswith("accounts.")
    ]


def only(identity: str, *, deploy: bool = False) -> CheckMessage:
    (message,) = found(deploy=deploy)
    assert message.id == identity
    return message


@pytest.fixture
def good(settings):
    """Settings with which nothing is found."""
    settings.ACCOUNTS_THROTTLE_URL = "redis://127.0.0.1:6379/0"
    settings.TEXTS_FUNCTION = "phone-login-texts-prod"
    settings.SITE_NAME, settings.SITE_CONTACT = "Example", "help@example.com"
    settings.COGNITO_KNOWN_CLIENT_ID = "exampleknownclientid"
    settings.COGNITO_KNOWN_CLIENT_SECRET = "exampleknownclientsecret"
    settings.COGNITO_SITE_CLIENT_ID = "examplesiteclientid"
    settings.COGNITO_SITE_CLIENT_SECRET = "examplesiteclientsecret"
    settings.SITE_KEY = "s" * 64
    settings.ACCOUNTS_STAFF_SECOND_FACTOR = True
    return settings


def test_good_settings_are_found_good(good):
    assert found(deploy=True) == []


def test_browsers_without_a_lane_are_w006_where_the_site_is_deployed(good):
    good.COGNITO_KNOWN_CLIENT_ID = good.COGNITO_KNOWN_CLIENT_SECRET = ""
    assert only("accounts.W006", deploy=True).hint
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COGNITO_KNOWN_CLIENT_ID", ""),
        ("COGNITO_KNOWN_CLIENT_ID", "exampleclientid"),
        ("COGNITO_KNOWN_CLIENT_SECRET", ""),
    ],
)
def test_lane_that_lacks_a_part_is_e019(good, name, value):
    setattr(good, name, value)
    assert only("accounts.E019").hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COGNITO_SITE_CLIENT_ID", ""),
        ("COGNITO_SITE_CLIENT_ID", "exampleclientid"),
        ("COGNITO_SITE_CLIENT_SECRET", ""),
    ],
)
def test_client_of_passkeys_that_lacks_a_part_is_e025(good, name, value):
    setattr(good, name, value)
    assert only("accounts.E025").hint


@pytest.mark.parametrize("value", ["", "s" * 31])
def test_clients_without_a_whole_site_key_are_e019_and_e025(good, value):
    good.SITE_KEY = value
    assert [message.id for message in found()] == ["accounts.E019", "accounts.E025"]


def test_passkeys_without_a_client_are_w007_where_the_site_is_deployed(good):
    good.COGNITO_SITE_CLIENT_ID = good.COGNITO_SITE_CLIENT_SECRET = ""
    good.ACCOUNTS_STAFF_SECOND_FACTOR = False
    assert "accounts.W007" in [message.id for message in found(deploy=True)]
    assert found() == []
    good.ACCOUNTS_PASSKEYS = False
    assert only("accounts.W008", deploy=True)


def test_code_alone_that_opens_the_admin_is_w008_where_the_site_is_deployed(good):
    good.ACCOUNTS_STAFF_SECOND_FACTOR = False
    assert only("accounts.W008", deploy=True).hint
    assert found() == []


def test_admin_that_nothing_opens_is_w009_where_the_site_is_deployed(good):
    good.ACCOUNTS_PASSKEYS = False
    assert only("accounts.W009", deploy=True).hint
    assert found() == []
    good.ACCOUNTS_SIGN_IN_PLAN = "code authenticator"
    assert found(deploy=True) == []


@pytest.mark.parametrize(
    ("countries", "named"),
    [
        ([], "is empty"),
        (["US", "XX"], "XX"),
        (["us"], "us"),
        (["US", "England"], "England"),
        (["ALL"], "ALL"),
        (["*"], "*"),
        (["001"], "001"),
        (["US", ""], "names no country"),
    ],
    ids=str,
)
def test_countries_that_are_none_are_e001(good, countries, named):
    good.ACCOUNTS_COUNTRIES = countries

    message = only("accounts.E001")

    assert message.msg.startswith("ACCOUNTS_COUNTRIES ")
    assert named in message.msg
    assert message.hint


@pytest.mark.parametrize("countries", [["US"], ["US", "GB", "JM"], ["US", "CA"]], ids=str)
def test_countries_of_the_world_are_no_e001(good, countries):
    good.ACCOUNTS_COUNTRIES = countries

    assert found() == []


@pytest.mark.parametrize("region", ["", "DE", "us", "XX"])
def test_default_region_outside_the_countries_is_e002(good, region):
    good.ACCOUNTS_DEFAULT_REGION = region

    message = only("accounts.E002")

    assert "ACCOUNTS_DEFAULT_REGION" in message.msg
    assert "ACCOUNTS_COUNTRIES" in message.msg
    assert message.hint


@pytest.mark.parametrize("region", ["US", "GB", "FR"])
def test_default_region_among_the_countries_is_no_e002(good, region):
    good.ACCOUNTS_DEFAULT_REGION = region

    assert found() == []


@pytest.mark.parametrize("sign_up", ["", "Open", "yes", "true", "invite"])
def test_sign_up_of_another_word_is_e003(good, sign_up):
    good.ACCOUNTS_SIGN_UP = sign_up

    message = only("accounts.E003")

    assert message.msg.startswith("ACCOUNTS_SIGN_UP ")
    assert "open" in message.msg
    assert "closed" in message.msg


@pytest.mark.parametrize("sign_up", ["open", "closed"])
def test_sign_up_open_or_closed_is_no_e003(good, sign_up):
    good.ACCOUNTS_SIGN_UP = sign_up

    assert found() == []


POOL = ["AWS_REGION", "COGNITO_USER_POOL_ID", "COGNITO_CLIENT_ID", "COGNITO_CLIENT_SECRET"]


@pytest.mark.parametrize("setting", POOL)
def test_missing_setting_of_the_pool_is_e004_naming_it(good, setting):
    setattr(good, setting, "")

    message = only("accounts.E004")

    assert message.msg == f"{setting} is not set."
    assert message.hint


def test_every_missing_setting_of_the_pool_is_found_at_once(good):
    for setting in POOL:
        setattr(good, setting, "")

    assert [(message.id, message.msg) for message in found()] == [
        ("accounts.E004", f"{setting} is not set.") for setting in POOL
    ]


@pytest.mark.parametrize("api", ["", "Public", "private", "iam"])
def test_api_of_another_word_is_e005(good, api):
    good.COGNITO_API = api

    message = only("accounts.E005")

    assert message.msg.startswith("COGNITO_API ")
    assert "public" in message.msg
    assert "admin" in message.msg


@pytest.mark.parametrize("api", ["public", "admin"])
def test_api_public_or_admin_is_no_e005(good, api):
    good.COGNITO_API = api

    assert found() == []


@pytest.mark.parametrize("username", ["", "Phone", "email", "sub"])
def test_username_of_another_word_is_e017(good, username):
    good.COGNITO_USERNAME = username

    message = only("accounts.E017")

    assert message.msg.startswith("COGNITO_USERNAME ")


@pytest.mark.parametrize("username", ["phone", "attribute"])
def test_username_phone_or_attribute_is_no_e017(good, username):
    good.COGNITO_USERNAME = username

    assert found() == []


def test_steps_besides_the_code_need_the_function_of_texts_e016(good):
    good.ACCOUNTS_SIGN_IN_PLAN = "password code"
    good.ACCOUNTS_SIGN_UP, good.TEXTS_FUNCTION = "closed", ""
    only("accounts.E016")
    good.TEXTS_FUNCTION = "texts"
    assert found() == []


def test_open_sign_up_with_a_password_is_w005(good):
    good.ACCOUNTS_SIGN_IN_PLAN, good.TEXTS_FUNCTION = "password code", "texts"
    good.ACCOUNTS_SIGN_UP = "open"
    assert "close it" in str(only("accounts.W005").hint)


RATES = [
    "ACCOUNTS_PHONE_POSTS",
    "ACCOUNTS_SENDS",
    "ACCOUNTS_UNUSED_SENDS",
    "ACCOUNTS_WRONG_CODES",
    "ACCOUNTS_SIGN_UPS",
    "ACCOUNTS_SIGN_UPS_PER_COUNTRY",
    "ACCOUNTS_SIGN_UPS_PER_BLOCK",
]


@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize(
    "spelled", ["", "10", "ten/hour", "10/fortnight", "-5/hour", "10/hour;nonsense", "10/hour;"]
)
def test_rate_that_cannot_be_read_is_e006_naming_the_variable(good, name, spelled):
    setattr(good, name, spelled)

    message = only("accounts.E006")

    assert message.msg.startswith(f"{name} ")
    assert repr(spelled) in message.msg
    assert message.hint


@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize("spelled", ["10/hour", "10/10 minutes;30/hour;100/day", "5 per minute"])
def test_rate_that_can_be_read_is_no_e006(good, name, spelled):
    setattr(good, name, spelled)

    assert found() == []


def test_counts_in_memory_are_w001_where_the_site_is_deployed(good):
    good.ACCOUNTS_THROTTLE_URL = "memory://"

    message = only("accounts.W001", deploy=True)

    assert "CACHE_URL" in f"{message.msg} {message.hint}"
    assert found(deploy=False) == []


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379/0", "rediss://127.0.0.1:6379/0"])
def test_counts_in_redis_are_no_w001(good, url):
    good.ACCOUNTS_THROTTLE_URL = url

    assert found(deploy=True) == []


def test_texts_that_nobody_sends_are_w002_where_the_site_is_deployed(good):
    good.TEXTS_FUNCTION = ""

    message = only("accounts.W002", deploy=True)

    assert "TEXTS_FUNCTION" in message.msg
    assert found(deploy=False) == []


def test_errors_stop_every_command_that_checks(good, capsys):
    good.ACCOUNTS_COUNTRIES = []

    with pytest.raises(Exception, match=r"accounts\.E001"):
        call_command("check")


def test_checks_of_what_is_dangerous_are_tagged_as_security(good):
    good.ACCOUNTS_COUNTRIES = []
    good.ACCOUNTS_SIGN_UP = ""
    good.ACCOUNTS_SENDS = ""

    messages = run_checks(tags=[Tags.security])

    assert {m.id for m in messages} >= {"accounts.E001", "accounts.E003", "accounts.E006"}


@pytest.mark.parametrize(
    ("name", "colour"),
    [("SITE_COLOR", "blue"), ("SITE_COLOR", "#12345"), ("SITE_COLOR_DARK", "rgb(1,2,3)")],
)
def test_colour_that_is_none_is_e020_naming_the_variable(good, name, colour):
    good.SITE_COLOR = "#0b57d0"
    setattr(good, name, colour)

    message = only("accounts.E020")

    assert message.msg == f"{name} is not a colour: {colour!r}."
    assert message.hint


def test_dark_colour_alone_is_e020(good):
    good.SITE_COLOR_DARK = "#9ec1ff"

    assert "needs a SITE_COLOR" in only("accounts.E020").msg


@pytest.mark.parametrize(
    ("light", "dark", "named"),
    [
        ("#ffcc00", "", "SITE_COLOR"),
        ("#8ab4f8", "", "SITE_COLOR"),
        ("#0b57d0", "#0b57d0", "SITE_COLOR_DARK"),
    ],
)
def test_colour_that_is_too_faint_is_e021_with_the_nearest_that_is_not(good, light, dark, named):
    good.SITE_COLOR, good.SITE_COLOR_DARK = light, dark

    message = only("accounts.E021")

    assert message.msg.startswith(f"{named} ")
    suggested = message.hint.split()[-1].rstrip(".")
    setattr(good, named, suggested)
    assert found() == []


@pytest.mark.parametrize("colours", [("#0b57d0", ""), ("#0b57d0", "#9ec1ff"), ("#000", "#fff")])
def test_colour_that_can_be_read_is_no_error(good, colours):
    good.SITE_COLOR, good.SITE_COLOR_DARK = colours

    assert found() == []


def test_logo_that_is_no_static_file_is_e022(good):
    good.SITE_LOGO = "brand/none.svg"

    assert "brand/none.svg" in only("accounts.E022").msg
    good.SITE_LOGO = ""
    assert found() == []


@pytest.mark.parametrize(
    "groups",
    [{"support": ""}, {"": "Support"}, {"two words": "Support"}, {"support": "x" * 151}],
    ids=str,
)
def test_groups_that_cannot_be_read_are_e013(good, groups):
    good.ACCOUNTS_GROUPS = {"billing": "Money", **groups}
    message = only("accounts.E013")
    assert message.msg.startswith("ACCOUNTS_GROUPS ")
    assert message.hint


@pytest.mark.parametrize("group", ["two words", " ", "x" * 129])
def test_group_of_operators_that_is_no_name_is_e013(good, group):
    good.ACCOUNTS_STAFF_GROUP = group
    assert only("accounts.E013").msg.startswith("ACCOUNTS_STAFF_GROUP ")


def test_groups_that_can_be_read_are_no_e013(good):
    good.ACCOUNTS_GROUPS = {"support": "Support team", "помощь": "Support team"}
    good.ACCOUNTS_STAFF_GROUP = "operators"
    assert found() == []


@pytest.mark.parametrize("seconds", [-1, 0, 59, 86_401])
def test_interval_of_looking_people_up_out_of_range_is_e014(good, seconds):
    good.ACCOUNTS_REVALIDATE_SECONDS = seconds
    message = only("accounts.E014")
    assert "60" in message.msg
    assert message.hint


@pytest.mark.parametrize("seconds", [60, 900, 86_400])
def test_interval_of_looking_people_up_in_range_is_no_e014(good, seconds):
    good.ACCOUNTS_REVALIDATE_SECONDS = seconds
    assert found() == []


@pytest.mark.parametrize("policy", ["", "Strict", "on", "none"])
def test_sharing_policy_of_another_word_is_e007(good, policy):
    good.ACCOUNTS_SHARING_POLICY = policy

    message = only("accounts.E007")

    assert message.msg == f"ACCOUNTS_SHARING_POLICY is not a policy: {policy!r}."
    assert "strict" in message.hint


@pytest.mark.parametrize(
    "pair", ["Contractors", "Contractors=", "Contractors=Strict", "=", "a=b=c"]
)
def test_sharing_policy_of_a_group_that_is_none_is_e007_naming_the_group(good, pair):
    good.ACCOUNTS_SHARING_POLICY_BY_GROUP = ["Family=off", pair]

    message = only("accounts.E007")

    assert f"for {pair.partition('=')[0]!r} is not a policy" in message.msg


def test_sharing_policies_are_no_e007(good):
    for policy in ("off", "notify", "ask", "strict"):
        good.ACCOUNTS_SHARING_POLICY = policy
        good.ACCOUNTS_SHARING_POLICY_BY_GROUP = [f"Contractors={policy}", " Family = off "]

        assert found() == []


@pytest.mark.parametrize("who", ["SESSION", "STAFF"])
@pytest.mark.parametrize(("idle", "age"), [(0, 0), (-1, 300), (119, 300), (301, 300)])
def test_limits_of_sessions_that_make_no_sense_are_e008(good, who, idle, age):
    setattr(good, f"ACCOUNTS_{who}_IDLE_SECONDS", idle)
    setattr(good, f"ACCOUNTS_{who}_SECONDS", age)

    message = only("accounts.E008")

    assert f"ACCOUNTS_{who}_IDLE_SECONDS is {idle}" in message.msg


@pytest.mark.parametrize("seconds", [-1, 0, 59, 3601])
def test_confirmation_for_no_time_or_too_long_is_e009(good, seconds):
    good.ACCOUNTS_CONFIRM_SECONDS = seconds

    assert "ACCOUNTS_CONFIRM_SECONDS" in only("accounts.E009").msg


@pytest.mark.parametrize("days", [-1, 0, 30, 3651])
def test_events_kept_for_a_senseless_time_are_e012(good, days):
    good.ACCOUNTS_EVENTS_KEPT_DAYS = days
    assert only("accounts.E012").hint


@pytest.mark.parametrize("days", [31, 180, 3650])
def test_events_kept_for_a_sensible_time_are_fine(good, days):
    good.ACCOUNTS_EVENTS_KEPT_DAYS = days
    assert found() == []


@pytest.mark.parametrize(
    "contact", ["help", "help@", "http://example.com/", "//example.com", "x y"]
)
def test_contact_that_is_none_is_e023(good, contact):
    good.SITE_CONTACT = contact
    assert contact in only("accounts.E023").msg


@pytest.mark.parametrize("contact", ["", "help@example.com", "https://www.example.com/help"])
def test_contact_that_can_be_reached_is_no_e023(good, contact):
    good.SITE_CONTACT = contact
    assert found() == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SITE_PHONE", "call us"),
        ("SITE_PHONE", "020 7946 0000"),
        ("SITE_PRIVACY_URL", "/privacy"),
        ("SITE_PRIVACY_URL", "javascript:alert(1)"),
        ("SITE_TERMS_URL", "http://www.example.com/terms"),
    ],
)
def test_help_that_leads_nowhere_is_e024(good, setting, value):
    setattr(good, setting, value)
    assert setting in only("accounts.E024").msg


def test_help_that_leads_somewhere_is_no_e024(good):
    good.SITE_PHONE = "+44 20 7946 0000"
    good.SITE_PRIVACY_URL = "https://www.example.com/privacy"
    good.SITE_TERMS_URL = "https://www.example.com/terms"
    assert found() == []


def test_site_without_a_name_of_its_own_is_w003_where_it_is_deployed(good):
    good.SITE_NAME = "Phone login"
    assert found() == []
    assert "SiteName" in str(only("accounts.W003", deploy=True).hint)


def test_site_that_nobody_can_reach_is_w004_where_it_is_deployed(good):
    good.SITE_CONTACT = ""
    assert found() == []
    only("accounts.W004", deploy=True)


@pytest.mark.parametrize("days", [-1, 1, 6, 366])
def test_unproven_accounts_kept_for_a_senseless_time_are_e015(good, days):
    good.ACCOUNTS_UNPROVEN_KEPT_DAYS = days
    only("accounts.E015")


@pytest.mark.parametrize("days", [0, 7, 365])
def test_unproven_accounts_kept_for_a_sensible_time_are_no_e015(good, days):
    good.ACCOUNTS_UNPROVEN_KEPT_DAYS = days
    assert found() == []


@pytest.mark.parametrize("days", [-1, 1, 29, 3651])
def test_accounts_that_sleep_sooner_than_a_session_ends_are_e027(good, days):
    good.ACCOUNTS_DORMANT_DAYS = days
    only("accounts.E027")


@pytest.mark.parametrize("days", [0, 30, 3650])
def test_accounts_that_sleep_after_a_session_are_no_e027(good, days):
    good.ACCOUNTS_DORMANT_DAYS = days
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROVIDER_PAGE", ""),
        ("PROVIDER_PAGE", "http://mfa.example.com"),
        ("PROVIDER_PAGE", "https://mfa.example.com/"),
        ("PROVIDER_SCRIPT", "http://example.com/client.js"),
        ("PROVIDER_SCRIPT_INTEGRITY", ""),
        ("PROVIDER_TENANT", ""),
    ],
)
def test_provider_that_lacks_a_part_is_e018(good, name, value):
    settings = good
    settings.ACCOUNTS_SIGN_IN_PLAN = "code provider"
    settings.PROVIDER_PAGE = "https://mfa.example.com"
    settings.PROVIDER_SCRIPT = "https://example.com/client.js"
    settings.PROVIDER_SCRIPT_INTEGRITY = "sha384-abc"
    settings.PROVIDER_TENANT = "a-tenant"
    assert found() == []
    setattr(settings, name, value)
    only("accounts.E018")
    settings.ACCOUNTS_SIGN_IN_PLAN = "code"
    assert found() == []


@pytest.mark.parametrize("setting", ["ACCOUNTS_EMAIL_LOGIN", "ACCOUNTS_SECOND_NUMBER"])
def test_other_way_that_would_be_weaker_than_the_plan_is_e029(good, setting):
    good.ACCOUNTS_EMAIL = True
    setattr(good, setting, True)
    assert found() == []
    good.ACCOUNTS_SIGN_IN_PLAN = "code authenticator"
    message = only("accounts.E029")
    assert setting in message.msg
    assert message.hint


def test_code_by_mail_alone_where_no_mail_is_sent_is_e029(good):
    good.ACCOUNTS_EMAIL_LOGIN = True
    assert "ACCOUNTS_EMAIL." in only("accounts.E029").msg


def test_second_number_without_the_client_of_the_site_is_e029(good):
    good.ACCOUNTS_SECOND_NUMBER = True
    good.COGNITO_SITE_CLIENT_ID = good.COGNITO_SITE_CLIENT_SECRET = good.SITE_KEY = ""
    good.COGNITO_KNOWN_CLIENT_ID = good.COGNITO_KNOWN_CLIENT_SECRET = ""
    assert "COGNITO_SITE_CLIENT_ID, SITE_KEY." in only("accounts.E029").msg


@pytest.mark.parametrize("hours", [-1, 337])
def test_recovery_that_waits_for_no_time_or_for_ever_is_e028(good, hours):
    good.ACCOUNTS_RECOVERY_HOURS = hours
    only("accounts.E028")


@pytest.mark.parametrize("word", ["", "Required", "always"])
def test_reasons_that_are_neither_optional_nor_required_are_e030(good, word):
    good.ACCOUNTS_REASONS = word
    only("accounts.E030")


@pytest.mark.parametrize("hours", [0, 1, 336])
def test_recovery_that_waits_or_is_off_is_no_e028(good, hours):
    good.ACCOUNTS_RECOVERY_HOURS = hours
    assert found() == []
