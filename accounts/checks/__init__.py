"""System checks of this app. An error keeps the site from starting; "(deploy)" needs ``--deploy``.

accounts.E001  ACCOUNTS_COUNTRIES is empty or names no country
accounts.E002  ACCOUNTS_DEFAULT_REGION is not one of ACCOUNTS_COUNTRIES
accounts.E003  ACCOUNTS_SIGN_UP is neither open nor closed
accounts.E004  a setting of the user pool is missing
accounts.E005  COGNITO_API is neither public nor admin
accounts.E006  a rate limit cannot be read
accounts.E007  a sharing policy is none of off, notify, ask, strict
accounts.E008  a limit of sessions makes no sense
accounts.E009  ACCOUNTS_CONFIRM_SECONDS makes no sense
accounts.E012  ACCOUNTS_EVENTS_KEPT_DAYS is out of range
accounts.E013  ACCOUNTS_GROUPS or ACCOUNTS_STAFF_GROUP cannot be read
accounts.E014  ACCOUNTS_REVALIDATE_SECONDS is out of range
accounts.E015  ACCOUNTS_UNPROVEN_KEPT_DAYS is out of range
accounts.E016  ACCOUNTS_SIGN_IN_PLAN has other steps, and TEXTS_FUNCTION is missing
accounts.E017  COGNITO_USERNAME is neither phone nor attribute
accounts.E018  PROVIDER_PAGE is no origin, or PROVIDER_SCRIPT lacks a part
accounts.E019  settings of the client for known browsers lack a part
accounts.E020  a colour of the brand cannot be read
accounts.E021  a colour of the brand is too faint to be read by everybody
accounts.E022  the logo is not a static file
accounts.E023  SITE_CONTACT is neither an e-mail address nor a page
accounts.E024  SITE_PHONE is no phone, or SITE_PRIVACY_URL or SITE_TERMS_URL no page
accounts.E025  settings of the client for people whom the site has proven lack a part
accounts.E027  ACCOUNTS_DORMANT_DAYS is out of range, or less than a session lasts
accounts.E028  ACCOUNTS_RECOVERY_HOURS is out of range
accounts.E029  a sign-in by mail alone, or by a second number, lacks a part
accounts.E030  ACCOUNTS_REASONS is neither optional nor required
accounts.W001  counts of the throttle are kept in one process only (deploy)
accounts.W002  nobody can change a number: TEXTS_FUNCTION is missing (deploy)
accounts.W003  the site has no name of its own (deploy)
accounts.W004  nobody can reach those who run the site: SITE_CONTACT is missing (deploy)
accounts.W005  ACCOUNTS_SIGN_UP is open, where a sign-in begins with a password
accounts.W006  browsers have no lane of their own: strangers can shut people out (deploy)
accounts.W007  passkeys are on, and Cognito has no client for them (deploy)
accounts.W008  a code alone opens the admin (deploy)
accounts.W009  nothing opens the admin (deploy)
"""

from accounts.checks import brand, cognito, login, operators, retention, sessions

__all__ = ["brand", "cognito", "login", "operators", "retention", "sessions"]
