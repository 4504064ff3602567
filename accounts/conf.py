"""Typed settings of this app, read at each use so that tests and commands may change them.

Every value comes from config/settings.py; accounts/checks refuses those that make no sense.
"""

from django.conf import settings

from accounts.conf_pages import PagesConf

# From the mildest to the strictest.
SHARING_POLICIES = ("off", "notify", "ask", "strict")


class Conf(PagesConf):
    """One property for each setting. Use the instance ``conf``."""

    @property
    def region(self) -> str:
        """The AWS region of the user pool."""
        return str(settings.AWS_REGION)

    @property
    def endpoint_url(self) -> str | None:
        """The address of another AWS, such as the local one; None for AWS itself."""
        return settings.AWS_ENDPOINT_URL or None

    @property
    def user_pool_id(self) -> str:
        """The id of the Cognito user pool."""
        return str(settings.COGNITO_USER_POOL_ID)

    @property
    def client_id(self) -> str:
        """The id of the site's app client."""
        return str(settings.COGNITO_CLIENT_ID)

    @property
    def client_secret(self) -> str:
        """The secret of that client."""
        return str(settings.COGNITO_CLIENT_SECRET)

    @property
    def known_client_id(self) -> str:
        """The id of the client for browsers that signed in before, "" where there is none."""
        return str(settings.COGNITO_KNOWN_CLIENT_ID)

    @property
    def known_client_secret(self) -> str:
        """The secret of that client."""
        return str(settings.COGNITO_KNOWN_CLIENT_SECRET)

    @property
    def site_key(self) -> str:
        """The key with which the site signs what it states to the triggers."""
        return str(settings.SITE_KEY)

    @property
    def site_client_id(self) -> str:
        """The id of the client for people whom the site itself has proven, "" for none."""
        return str(settings.COGNITO_SITE_CLIENT_ID)

    @property
    def site_client_secret(self) -> str:
        """The secret of that client."""
        return str(settings.COGNITO_SITE_CLIENT_SECRET)

    @property
    def username(self) -> str:
        """``phone``: user names of the pool are phones. ``attribute``: accounts hold phones."""
        return str(settings.COGNITO_USERNAME)

    @property
    def cognito_api(self) -> str:
        """``public`` (client secret, no IAM) or ``admin`` (IAM) for the steps of a sign-in."""
        return str(settings.COGNITO_API)

    @property
    def web_threads(self) -> int:
        """The number of requests that this process serves at once."""
        return int(settings.WEB_THREADS)

    @property
    def cognito_threads(self) -> int:
        """The number of connections to Cognito that this process keeps."""
        return int(settings.COGNITO_THREADS)

    @property
    def ledger_function(self) -> str:
        """The function that shows and clears the triggers' counts, holds and locks of a number."""
        return str(settings.LEDGER_FUNCTION)

    @property
    def texts_function(self) -> str:
        """The function that texts codes of proofs and confirmations, and notices."""
        return str(settings.TEXTS_FUNCTION)

    @property
    def issuer(self) -> str:
        """The ``iss`` of the pool's tokens."""
        otherwise = f"https://cognito-idp.{self.region}.amazonaws.com/{self.user_pool_id}"
        return settings.COGNITO_ISSUER or otherwise

    @property
    def jwks_url(self) -> str:
        """The address of the pool's public keys."""
        return settings.COGNITO_JWKS_URL or f"{self.issuer}/.well-known/jwks.json"

    @property
    def sign_up(self) -> str:
        """``open``: an unknown number gets an account. ``closed``: the same pages, no text."""
        return str(settings.ACCOUNTS_SIGN_UP)

    @property
    def sign_in_plan(self) -> tuple[str, ...]:
        """The steps of a sign-in, as the stack has them in SignInPlan."""
        return tuple(settings.ACCOUNTS_SIGN_IN_PLAN.split())

    @property
    def asks_password(self) -> bool:
        """Whether a sign-in begins with a password, which Cognito checks."""
        return self.sign_in_plan[:1] == ("password",)

    @property
    def passkeys(self) -> bool:
        """Whether people sign in with passkeys, for which Cognito needs a client of its own."""
        return bool(settings.ACCOUNTS_PASSKEYS and self.site_client_id and self.site_key)

    @property
    def email(self) -> bool:
        """Whether the stack sends mail, so that people may add an e-mail address."""
        return bool(settings.ACCOUNTS_EMAIL)

    @property
    def email_login(self) -> bool:
        """Whether people may sign in with a code that is mailed alone."""
        return bool(settings.ACCOUNTS_EMAIL_LOGIN)

    @property
    def second_number(self) -> bool:
        """Whether people may add a second number, for when the first one is gone."""
        return bool(settings.ACCOUNTS_SECOND_NUMBER)

    @property
    def provider_page(self) -> str:
        """The origin of the page on which a provider's challenge is answered."""
        return str(settings.PROVIDER_PAGE)

    @property
    def provider_script(self) -> str:
        """The address of the provider's browser client, "" where its page alone is used."""
        return str(settings.PROVIDER_SCRIPT)

    @property
    def provider_script_integrity(self) -> str:
        """The digest of that script, as browsers check it: sha384-…"""
        return str(settings.PROVIDER_SCRIPT_INTEGRITY)

    @property
    def provider_tenant(self) -> str:
        """The id of our tenant, which the browser client wants."""
        return str(settings.PROVIDER_TENANT)

    @property
    def countries(self) -> frozenset[str]:
        """ISO codes of the countries whose numbers are texted."""
        return frozenset(settings.ACCOUNTS_COUNTRIES)

    @property
    def default_region(self) -> str:
        """The country in which a number without + is read."""
        return str(settings.ACCOUNTS_DEFAULT_REGION)

    @property
    def groups(self) -> dict[str, str]:
        """The Django group for each group of the user pool, by the name of the latter."""
        return dict(settings.ACCOUNTS_GROUPS)

    @property
    def staff_group(self) -> str:
        """The group of the user pool that makes operators; "" where they are made here alone."""
        return str(settings.ACCOUNTS_STAFF_GROUP)

    @property
    def revalidate_seconds(self) -> int:
        """The time between two look-ups of a signed-in person in Cognito."""
        return int(settings.ACCOUNTS_REVALIDATE_SECONDS)

    @property
    def events_kept_days(self) -> int:
        """The days for which sign-in events are kept."""
        return int(settings.ACCOUNTS_EVENTS_KEPT_DAYS)

    @property
    def unproven_kept_days(self) -> int:
        """The days for which accounts with an unproven number are kept; 0 for ever."""
        return int(settings.ACCOUNTS_UNPROVEN_KEPT_DAYS)

    @property
    def dormant_days(self) -> int:
        """The days without a sign-in after which a code alone opens no account; 0 is never."""
        return int(settings.ACCOUNTS_DORMANT_DAYS)

    @property
    def recovery_hours(self) -> int:
        """The hours for which a recovery waits, so that it can be stopped; 0 is no recoveries."""
        return int(settings.ACCOUNTS_RECOVERY_HOURS)

    @property
    def recovery_two_operators(self) -> frozenset[str]:
        """The groups whose people are recovered by two operators; ``*`` is everybody."""
        return frozenset(each.strip() for each in settings.ACCOUNTS_RECOVERY_TWO_OPERATORS)

    @property
    def reasons(self) -> str:
        """``optional`` or ``required``: reasons of operators for what they do to an account."""
        return str(settings.ACCOUNTS_REASONS)

    @property
    def carrier_lookup(self) -> bool:
        """Whether carriers are asked of which type a new number is, which costs money."""
        return bool(settings.ACCOUNTS_CARRIER_LOOKUP and settings.TEXTS_FUNCTION)

    @property
    def session_idle_seconds(self) -> int:
        """The longest time that a session may be unused; ``staff_idle_seconds`` for operators."""
        return int(settings.ACCOUNTS_SESSION_IDLE_SECONDS)

    @property
    def session_seconds(self) -> int:
        """The longest life of a session; ``staff_seconds`` for operators."""
        return int(settings.ACCOUNTS_SESSION_SECONDS)

    @property
    def staff_idle_seconds(self) -> int:
        """The longest time that an operator's session may be unused."""
        return int(settings.ACCOUNTS_STAFF_IDLE_SECONDS)

    @property
    def staff_seconds(self) -> int:
        """The longest life of an operator's session."""
        return int(settings.ACCOUNTS_STAFF_SECONDS)

    @property
    def staff_second_factor(self) -> bool:
        """Whether the admin opens only for a sign-in by a passkey or with an app."""
        return bool(settings.ACCOUNTS_STAFF_SECOND_FACTOR)

    @property
    def sharing_policy(self) -> str:
        """The policy for a sign-in of somebody who is signed in on another device already."""
        return str(settings.ACCOUNTS_SHARING_POLICY)

    @property
    def sharing_policy_by_group(self) -> dict[str, str]:
        """The same for members of Django groups, written as ``Contractors=strict``."""
        pairs = [each.partition("=") for each in settings.ACCOUNTS_SHARING_POLICY_BY_GROUP]
        return {name.strip(): policy.strip() for name, _, policy in pairs}

    @property
    def confirm_seconds(self) -> int:
        """The time for which a typed code counts on sensitive pages."""
        return int(settings.ACCOUNTS_CONFIRM_SECONDS)

    @property
    def trusted_proxies(self) -> int:
        """The number of our proxies that append to X-Forwarded-For."""
        return int(settings.TRUSTED_PROXIES)

    @property
    def throttle_url(self) -> str:
        """The storage of the counts, for the limits library: memory://, redis://host:port …"""
        return str(settings.ACCOUNTS_THROTTLE_URL)

    @property
    def throttle_rates(self) -> dict[str, str]:
        """The allowed rates, by the name of the count."""
        sign_ups = ("sign_ups", "sign_ups_per_country", "sign_ups_per_block")
        names = ("phone_posts", "sends", "unused_sends", "wrong_codes", *sign_ups)
        return {name: str(getattr(settings, f"ACCOUNTS_{name.upper()}")) for name in names}


conf = Conf()
