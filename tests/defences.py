"""``python -m tests.defences``: take each defence out, and show the tests that go red without it.

Each is taken out of a copy of the tree. The command fails if a test stays green, or if its module
can no longer be collected. It takes several minutes, so it is no part of the suite.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
_NOT_COPIED = shutil.ignore_patterns(".git", ".local", ".*_cache", ".hypothesis", "db.sqlite3*")
# Exit codes of pytest: 0 all passed, 1 some failed; further ones say that it could not run them.
_GREEN, _RED = 0, 1
_SECONDS = 300


@dataclass(frozen=True)
class Defence:
    """A defence: ``lines`` of ``file``, which occur there once, and what stands there without it.

    ``tests`` are the node ids of tests, each of which fails without it.
    """

    name: str
    file: str
    lines: str
    without: str
    tests: tuple[str, ...]

    def taken_out_of(self, source: str) -> str:
        """Return the source of the file without the defence. Raises ValueError if it is gone."""
        if source.count(self.lines) != 1:
            raise ValueError(f"{self.file}: not there once: {self.lines!r}")
        return source.replace(self.lines, self.without)


_PROVEN = "tests/lambdas/test_pre_authentication.py::"
_LANE = "tests/lambdas/test_known_lane.py::"
_KNOWN = "tests/accounts/login/test_known_browsers.py::"
_CARRIERS = "tests/lambdas/test_carriers.py::"
_CHECKING = "tests/lambdas/codes/test_checking.py::"
_ANSWERS = "tests/lambdas/ledger/test_answers.py::"
_BUDGETS = "tests/lambdas/ledger/test_budgets.py::"
_PRESSURE = "tests/lambdas/ledger/test_pressure.py::"
_TEXTS = "tests/lambdas/ledger/test_texts.py::"
_UNSENT = "tests/lambdas/codes/test_unsent.py::"
_MANY_SESSIONS = "test_parallel_answers_to_many_sessions_are_counted_three_times_for_all_of_them"
_TRIES = "tests/end_to_end/test_tries.py::"
_USERNAME = "tests/lambdas/test_username.py::"
_HOLDERS = "tests/accounts/login/test_by_attribute.py::"
_DEFINE = "tests/lambdas/test_define_auth_challenge.py::"
_CAPTCHA = "tests/lambdas/kinds/test_captcha.py::"
_QUESTION = "tests/lambdas/kinds/test_question.py::"
_PROOF = "tests/lambdas/kinds/test_proof.py::"
_APPS = "tests/lambdas/test_authenticators.py::"
_FACTORS = "tests/accounts/login/test_second_factors.py::"
_PROVIDER = "tests/lambdas/kinds/test_provider.py::"
_RETURN = "tests/end_to_end/test_provider.py::"
_RECOVERY = "tests/accounts/login/test_recovery.py::"
_EXPORTS = "tests/accounts/exports/test_runs.py::"
_EXPORT_PAGES = "tests/accounts/admin/test_exports.py::"
_SAVED_VIEWS = "tests/accounts/admin/test_saved_views.py::"
_RECOVERIES = "tests/accounts/admin/test_recoveries.py::"
_REASONS = "tests/accounts/admin/test_reasons.py::"
_DORMANT = "tests/accounts/login/test_dormant.py::"
_NUMBER_TYPES = "tests/accounts/login/test_number_types.py::"
_PASSWORDS = "tests/accounts/login/test_passwords.py::"
_PLANS = "tests/lambdas/test_plans.py::"
_SEND_BY = "tests/lambdas/test_send_by.py::"
_EQUAL = "tests/accounts/login/test_equal_calls.py::"
_WORK = "tests/accounts/login/test_work.py::"
_SESSIONS = "tests/accounts/sessions/test_sessions.py::"
_CONCURRENCY = "tests/accounts/sessions/test_concurrency.py::"
_BACKUP_LOGIN = "tests/end_to_end/test_backup_login.py::"
_TEMPLATE = "tests/lambdas/test_template.py::"
_THROTTLE = "tests/accounts/login/test_throttle.py::"
_TOKENS = "tests/accounts/aws/test_tokens.py::"
_OPERATORS = "tests/accounts/login/test_second_factor.py::"
_PASSKEYS = "tests/accounts/login/test_passkeys.py::"
_ADMIN_PASSKEYS = "tests/accounts/admin/test_passkeys.py::"
_CEREMONIES = "tests/accounts/login/test_ceremonies.py::"
_STATEMENT = "tests/lambdas/kinds/test_statement.py::"
_VIEWS = "tests/accounts/test_views.py::"
_ADDRESSES = "tests/lambdas/test_addresses.py::"
_EMAIL = "tests/accounts/login/test_email_address.py::"
_LINKS = "tests/lambdas/test_links.py::"
_LINK_LOGIN = "tests/end_to_end/test_login_link.py::"
_LINK_PAGE = "tests/accounts/login/test_login_link.py::"
_SITE_WAYS = "tests/lambdas/test_site_ways.py::"
_OTHER_WAY = "tests/accounts/login/test_other_way.py::"
_SECOND_NUMBER = "tests/accounts/login/test_second_number.py::"

_EQUAL = "tests/accounts/login/test_equal_calls.py::"

DEFENCES = (
    # By the clock
    Defence(
        "somebody disabled a moment ago takes the calls of a stranger",
        "accounts/login/challenges.py",
        "        if known and decoys.current.are_like_real_ones:\n",
        "        if False:\n",
        (_EQUAL + "test_somebody_disabled_a_moment_ago_takes_the_calls_of_a_stranger",),
    ),
    Defence(
        "an invented challenge comes when a real one would",
        "accounts/login/decoys.py",
        "        self._starts.wait(since)\n",
        "",
        ("tests/accounts/login/test_decoys.py::test_decoy_comes_when_a_real_one_would",),
    ),
    Defence(
        "an invented challenge does not take the time of work after a response",
        "accounts/login/challenges.py",
        "    decoys.current.learn(real)\n",
        "    decoys.current.learn(real, time.monotonic() - 0.6)\n",
        (_EQUAL + "test_call_that_nobody_waited_for_is_none_that_an_invented_challenge_takes",),
    ),
    Defence(
        "an invented challenge does not wait for the cache after it has waited",
        "accounts/login/decoys.py",
        '        reference = _reference(name) if name else ""\n        self._starts.wait(since)\n',
        '        self._starts.wait(since)\n        reference = _reference(name) if name else ""\n',
        ("tests/accounts/login/test_decoys.py::test_decoy_asks_the_cache_before_it_waits",),
    ),
    Defence(
        "an answer that the site judges itself takes as long as a call",
        "accounts/login/login_flow.py",
        "            decoys.current.answers.wait(since)\n",
        "",
        (_EQUAL + "test_calls_that_are_not_made_take_the_time_of_one",),
    ),
    Defence(
        "another browser sees that a text left",
        "accounts/login/login_flow.py",
        "            if not begun.challenge.session:\n",
        "            if False:\n",
        (_EQUAL + "test_another_browser_sees_of_somebody_disabled_a_moment_ago_that_a_text_left",),
    ),
    Defence(
        "another browser reads the same reference",
        "accounts/login/decoys.py",
        "    if challenge.reference != cache.get(_REAL + name):\n",
        "    if True:\n",
        (_EQUAL + "test_reference_of_an_invented_challenge_is_that_of_all_who_share_it",),
    ),
    Defence(
        "members wait with open sign-up as long as an account takes to be made",
        "accounts/login/sign_up.py",
        "        decoys.current.creations.wait(time.monotonic())\n",
        "        pass\n",
        (
            _EQUAL + "test_member_waits_as_long_as_an_account_takes_to_be_made"
            "_where_sign_up_is_open",
        ),
    ),
    Defence(
        "also where numbers are attributes",
        "accounts/login/challenges.py",
        "        sign_up.wait_as_strangers(is_looked_at=True)\n",
        "        pass\n",
        (_HOLDERS + "test_everybody_waits_as_long_as_an_account_takes_to_be_made",),
    ),
    Defence(
        "an account that is made where numbers are attributes tells how long that takes",
        "accounts/login/sign_up.py",
        "    if is_new:\n        decoys.current.creations.note(since)\n",
        "    if is_new:\n",
        (_HOLDERS + "test_time_that_a_new_account_takes_is_what_others_wait_for",),
    ),
    # Codes that go elsewhere than to the number
    Defence(
        "a code is texted to no number that was not proven for the account",
        "lambdas/triggers/site_ways.py",
        "second if second_numbers.is_kept(user, second) else None,",
        "second,",
        (_SITE_WAYS + "test_text_goes_to_no_number_that_was_not_proven_for_the_account",),
    ),
    Defence(
        "a mail goes to no account that has another number by now",
        "lambdas/triggers/site_ways.py",
        'is_theirs = attributes.get("phone_number") == phone',
        "is_theirs = True",
        (_SITE_WAYS + "test_mail_goes_to_no_account_that_is_disabled_or_has_another_number",),
    ),
    Defence(
        "counts of a second number tell nothing of it",
        "lambdas/triggers/site_ways.py",
        "name=purpose.ledger_name(phone, made_for), user=made_for)",
        "user=made_for)",
        (_SITE_WAYS + "test_whoever_has_no_such_address_is_told_what_a_member_is",),
    ),
    Defence(
        "a code that went nowhere is never right",
        "lambdas/triggers/codes/sending.py",
        "                is_withheld=True,\n",
        "",
        (_SITE_WAYS + "test_code_that_went_nowhere_is_never_right",),
    ),
    Defence(
        "a refusal of a sender tells strangers nothing",
        "lambdas/triggers/codes/purposes.py",
        "return bool(self.way) and self.is_for_anybody",
        "return False",
        (_SITE_WAYS + "test_stranger_is_not_told_that_a_sender_refused_and_a_known_browser_is",),
    ),
    Defence(
        "the owner of a second number stops its texts",
        "lambdas/triggers/site_texts.py",
        ", *of_second)",
        ",)",
        (_SITE_WAYS + "test_owner_of_the_second_number_stops_its_texts",),
    ),
    Defence(
        "a code by another way is no way past a second step",
        "accounts/login/other_way.py",
        ' and conf.sign_in_plan == ("code",))',
        ")",
        (_OTHER_WAY + "test_there_is_no_such_way_where_it_would_be_weaker_or_cannot_be",),
    ),
    Defence(
        "nobody is signed in by a code to nobody",
        "accounts/login/other_way.py",
        "user is None or self._why_not(user) or not is_right",
        "not is_right",
        (_OTHER_WAY + "test_nobody_is_signed_in_where_the_function_says_yes_to_all",),
    ),
    Defence(
        "a second number opens no account that slept",
        "accounts/login/other_way.py",
        'waiting.proven_more or self.way == "email"',
        "True",
        (_OTHER_WAY + "test_mail_opens_an_account_that_slept_and_a_second_number_does_not",),
    ),
    Defence(
        "a code by another way frees no number",
        "accounts/login/dormant.py",
        "        not waiting.way\n        and conf",
        "        conf",
        (_OTHER_WAY + "test_second_number_frees_no_first_one",),
    ),
    Defence(
        "a mailed code is no code of an app, which opens the admin",
        "accounts/login/second_factor.py",
        '"authenticator" in conf.sign_in_plan and "otp" in methods.of(request)',
        '"otp" in methods.of(request)',
        (_OTHER_WAY + "test_code_of_another_way_opens_no_admin",),
    ),
    Defence(
        "the first number is told of a sign-in by the second",
        "accounts/login/other_way.py",
        '            notices.tell(step.request, proof, "second_number_used")\n',
        "            pass\n",
        (_OTHER_WAY + "test_first_number_is_told_of_a_sign_in_by_the_second",),
    ),
    Defence(
        "a second number is added after a fresh code alone",
        "accounts/views/second_number.py",
        """@method_decorator(reauthentication.required, name="dispatch")
class SecondNumberView""",
        "class SecondNumberView",
        (_SECOND_NUMBER + "test_fresh_code_is_asked_for_first",),
    ),
    Defence(
        "both numbers are told that the second one changed",
        "accounts/login/second_number.py",
        '        notices.tell_number(request, told, "second_number_changed", of=user)\n',
        "        pass\n",
        (_SECOND_NUMBER + "test_other_number_takes_its_place_and_both_are_told",),
    ),
    # E-mail addresses, and the links of mails
    Defence(
        "a code for an address proves no other one",
        "lambdas/triggers/site_texts.py",
        "if purpose.is_of_address else user",
        "if False else user",
        (_ADDRESSES + "test_code_proves_no_other_address_and_nobody_else",),
    ),
    Defence(
        "a mailbox gets few mails a day that anybody may have asked for",
        "lambdas/triggers/codes/sending.py",
        'mailbox=ledger.mailbox_name(recipient.address) if purpose.is_of_address else "",',
        'mailbox="",',
        (_ADDRESSES + "test_mailbox_gets_few_mails_a_day_whoever_asks",),
    ),
    Defence(
        "an address is set up after a fresh code alone",
        "accounts/views/email_address.py",
        """@method_decorator(reauthentication.required, name="dispatch")
class EmailView""",
        "class EmailView",
        (_EMAIL + "test_fresh_code_is_asked_for_first",),
    ),
    Defence(
        "the phone is told of another address",
        "accounts/login/email_address.py",
        """    notices.tell(request, user, "email_changed")
    log.info("E-mail address of %s: set up", user.sub)""",
        '    log.info("E-mail address of %s: set up", user.sub)',
        (_EMAIL + "test_right_code_gives_the_account_its_address_and_tells_the_phone",),
    ),
    Defence(
        "the word of a link is an answer to a sign-in alone",
        "lambdas/triggers/site_texts.py",
        "(purpose.has_link and links.is_word(answer))",
        "links.is_word(answer)",
        (_LINKS + "test_word_confirms_nothing_and_proves_no_number",),
    ),
    Defence(
        "a link shows its code once",
        "lambdas/triggers/site_links.py",
        'if is_first else ""',
        "",
        (_LINKS + "test_other_browser_is_shown_the_code_once",),
    ),
    Defence(
        "a link signs in the browser that asked, and no other",
        "accounts/views/login_link.py",
        '            if "attempt" in request.POST:',
        "            if True:",
        (
            _LINK_LOGIN
            + "test_button_elsewhere_shows_who_asked_and_then_the_code_and_signs_nobody_in",
        ),
    ),
    Defence(
        "the page of a link that was made up tells nothing of a number",
        "accounts/login/login_link.py",
        "            kind__in=(sign_ins.Kind.SENT, sign_ins.Kind.RESENT, sign_ins.Kind.BLOCKED),",
        "            kind__in=(sign_ins.Kind.SENT, sign_ins.Kind.RESENT),",
        (_LINK_PAGE + "test_word_that_was_made_up_tells_nothing_of_the_number",),
    ),
    Defence(
        "a code that was mailed proves no number wherever it is typed",
        "accounts/login/login_flow.py",
        " and sign_ins.was_mailed(waiting.attempt)",
        " and False",
        (
            _LINK_LOGIN + "test_code_that_was_mailed_proves_no_number_wherever_it_is_typed",
            _DORMANT + "test_code_that_was_mailed_takes_no_number",
        ),
    ),
    Defence(
        "whoever signs all devices out ends a sign-in that is being asked about them",
        "accounts/login/take_over.py",
        "    if user.browsers_forgotten_at and user.browsers_forgotten_at >= proven_at:",
        "    if False:",
        (_CONCURRENCY + "test_question_ends_where_all_devices_are_signed_out",),
    ),
    Defence(
        "a passkey that ended answers no question about other devices",
        "accounts/login/take_over.py",
        "    if waiting.passkey is None:",
        "    if True:",
        (_PASSKEYS + "test_passkey_that_ends_while_its_person_is_asked_signs_nobody_in",),
    ),
    # Other channels
    Defence(
        "a mail goes to no address that Cognito has not verified",
        "lambdas/triggers/codes/recipients.py",
        'address=attributes.get("email", "") if is_proven else "",',
        'address=attributes.get("email", ""),',
        (f"{_SEND_BY}test_mail_goes_to_no_address_that_cognito_has_not_verified",),
    ),
    Defence(
        "an account that is disabled is not called",
        "lambdas/triggers/pool_accounts.py",
        '    if not found["Enabled"]:\n        return {}\n',
        "",
        (f"{_SEND_BY}test_stranger_is_told_what_a_member_is",),
    ),
    Defence(
        "an account without an address is told what others are",
        "lambdas/triggers/codes/sending.py",
        "        recipient = replace(recipient, phone=None, why_not=NoRecipient.NO_ADDRESS)\n",
        "        pass\n",
        (f"{_SEND_BY}test_stranger_is_told_what_a_member_is",),
    ),
    Defence(
        "a mail confirms no phone",
        "lambdas/triggers/site_texts.py",
        " if each is not Channel.EMAIL)",
        ")",
        (f"{_SEND_BY}test_mail_confirms_no_phone_and_a_new_number_is_texted_alone",),
    ),
    # Numbers of internet phones
    Defence(
        "carriers are asked once for a right code",
        "lambdas/triggers/ledger/lookups.py",
        '"AND (attribute_not_exists(looked_up_at) OR looked_up_at < used_at)"',
        '""',
        (f"{_CARRIERS}test_of_many_questions_after_one_code_one_is_asked",),
    ),
    Defence(
        "carriers are asked after a right code alone",
        "lambdas/triggers/ledger/lookups.py",
        '"used_at > :since "',
        '"attribute_not_exists(used_at) OR used_at < :at "',
        (f"{_CARRIERS}test_number_without_a_right_code_costs_nothing",),
    ),
    Defence(
        "an internet phone does not sign in under strict",
        "accounts/login/completion.py",
        "    if number_types.is_refused(user):\n",
        "    if False:\n",
        (f"{_NUMBER_TYPES}test_internet_phone_under_strict_is_signed_out_and_refused",),
    ),
    # Tries of one's own
    Defence(
        "wrong codes elsewhere spend no try of whoever asked",
        "lambdas/triggers/ledger/answers.py",
        "        tries = _OWN if challenge.mark else _SHARED\n",
        "        tries = _SHARED\n",
        (
            f"{_ANSWERS}test_wrong_answers_elsewhere_spend_no_try_of_whoever_asked",
            f"{_TRIES}test_wrong_codes_elsewhere_do_not_spend_the_code_of_a_new_browser",
        ),
    ),
    Defence(
        "tries of one's own have an end",
        "lambdas/triggers/ledger/answers.py",
        "(challenge.cid = :cid AND challenge.#own < :all_tries)",
        "(challenge.cid = :cid AND attribute_exists(challenge.#own))",
        (f"{_CHECKING}test_parallel_wrong_answers_are_counted_three_times",),
    ),
    Defence(
        "tries of one's own belong to one code",
        "lambdas/triggers/ledger/answers.py",
        "OR (earlier.cid = :cid AND earlier.#own < :all_tries)",
        "OR (earlier.#own < :all_tries)",
        (f"{_ANSWERS}test_code_two_before_the_newest_is_dead",),
    ),
    Defence(
        "nobody has tries of their own but by a text",
        "lambdas/triggers/ledger/texts.py",
        "        challenge = marked if is_done else living\n",
        "        challenge = marked\n",
        (f"{_TEXTS}test_parallel_resends_give_one_more_text",),
    ),
    Defence(
        "each text has tries for whoever asked for it",
        "lambdas/triggers/ledger/texts.py",
        "        challenge = marked if is_done else living\n",
        "        challenge = living\n",
        (
            f"{_ANSWERS}test_each_text_of_a_code_has_tries_for_whoever_asked",
            f"{_TRIES}test_same_code_texted_again_has_tries_for_each_who_asked",
        ),
    ),
    Defence(
        "wrong codes do not end a code that somebody else has",
        "lambdas/triggers/ledger/texts.py",
        '"challenge.exp >= :worth AND ',
        '"challenge.exp >= :worth AND challenge.tries <= :zero AND ',
        (f"{_ANSWERS}test_code_is_kept_whatever_tries_are_left",),
    ),
    Defence(
        "tries of one's own are the same in every round",
        "lambdas/triggers/kinds/code.py",
        '                *(["of", challenge.mark] if challenge.mark else []),\n',
        "",
        (f"{_CHECKING}test_tries_of_whoever_asked_are_the_same_in_every_round",),
    ),
    # Known browsers
    Defence(
        "a flow of the client for known browsers begins with a proof",
        "lambdas/triggers/pre_authentication.py",
        "role is Role.KNOWN and not _is_proven(event)",
        "False",
        (f"{_PROVEN}test_flow_without_a_proof_is_refused",),
    ),
    Defence(
        "a proof is signed by the site",
        "lambdas/triggers/statements.py",
        "    return hmac.compare_digest(mac, ",
        "    return True or hmac.compare_digest(mac, ",
        (
            f"{_PROVEN}test_proof_is_of_one_user",
            f"{_PROVEN}test_proof_cannot_be_made_with_another_key",
        ),
    ),
    Defence(
        "a proof ends after a minute",
        "lambdas/triggers/statements.py",
        "    return -_CLOCK <= now - stated_at <= _LIVES + _CLOCK",
        "    return True",
        (f"{_PROVEN}test_proof_counts_for_a_minute_and_clocks_may_differ_by_half_of_one",),
    ),
    Defence(
        "known browsers have counts of their own",
        "lambdas/triggers/codes/recipients.py",
        "KNOWN_SIGN_IN if role is Role.KNOWN else SIGN_IN",
        "SIGN_IN",
        (
            f"{_LANE}test_codes_of_both_lanes_live_side_by_side",
            f"{_LANE}test_number_that_is_held_holds_no_known_browser",
        ),
    ),
    Defence(
        "the lane of known browsers has an end",
        "lambdas/triggers/ledger/__init__.py",
        "min(usual.failures_per_phone, limits.FAILURES_OF_KNOWN_BROWSERS)",
        "usual.failures_per_phone",
        (f"{_LANE}test_lane_is_locked_after_thirty_wrong_codes_and_the_number_is_not",),
    ),
    Defence(
        "the cookie of a known browser belongs to that browser",
        "accounts/login/known_browsers.py",
        "hmac.digest(devices.cookie_of(request).encode(), words",
        'hmac.digest(b"anybody", words',
        (f"{_KNOWN}test_cookie_belongs_to_its_browser",),
    ),
    Defence(
        "a browser is forgotten when its person ends other devices",
        "accounts/login/known_browsers.py",
        "forgotten.timestamp() if forgotten else 0",
        "0",
        (f"{_KNOWN}test_browser_is_forgotten_with_all_that_signed_in_before",),
    ),
    # Codes
    Defence(
        "an answer is counted before it is compared",
        "lambdas/triggers/codes/checking.py",
        "    counted = book.answers.count(name, challenge, now=now)\n",
        "    if not challenge.accepts(answer, purpose.key(), user=user, now=now):\n"
        "        return False\n"
        "    counted = book.answers.count(name, challenge, now=now)\n",
        (
            f"{_CHECKING}test_three_tries_are_shared_by_all_sessions_that_nothing_was_texted_for",
            f"{_CHECKING}test_right_code_after_three_wrong_ones_is_not_correct",
        ),
    ),
    Defence(
        "a code is compared in constant time",
        "lambdas/triggers/challenge.py",
        "return hmac.compare_digest(digits, self.code(key, user=user))",
        "return digits == self.code(key, user=user)",
        ("tests/lambdas/test_challenge.py::test_accepts_compares_in_constant_time",),
    ),
    Defence(
        "a code is tried three times",
        "lambdas/triggers/ledger/answers.py",
        '"(challenge.cid = :cid OR earlier.cid = :cid) AND challenge.tries < :all_tries",',
        '"(challenge.cid = :cid OR earlier.cid = :cid)",',
        (f"{_CHECKING}{_MANY_SESSIONS}",),
    ),
    Defence(
        "a code is taken once",
        "lambdas/triggers/ledger/answers.py",
        '"AND (attribute_not_exists(challenge.used) OR challenge.used = :use)"',
        '""',
        (f"{_ANSWERS}test_parallel_right_answers_win_once",),
    ),
    Defence(
        "a code is made for one user",
        "lambdas/triggers/challenge.py",
        'f"{user} {self.id}".encode()',
        "self.id.encode()",
        (f"{_CHECKING}test_another_sub_is_not_correct",),
    ),
    Defence(
        "a code ends with its time",
        "lambdas/triggers/ledger/answers.py",
        'f"{tries.condition} AND challenge.exp > :now "',
        'f"{tries.condition} "',
        (f"{_ANSWERS}test_late_code_is_not_compared",),
    ),
    Defence(
        "failures in a row hold and lock a number",
        "lambdas/triggers/ledger/phone_state.py",
        "return f\"NOT (failures >= :max_failures OR {' OR '.join(steps)})\"",
        'return "(attribute_exists(pk) OR attribute_not_exists(pk))"',
        (
            f"{_CHECKING}test_tenth_failure_in_a_row_holds_the_right_code_too",
            f"{_CHECKING}test_hundredth_failure_locks_for_good",
        ),
    ),
    # Texts
    Defence(
        "a number has a cooldown",
        "lambdas/triggers/ledger/phone_state.py",
        'return " AND ".join(steps + windows)',
        'return " AND ".join(windows)',
        (f"{_TEXTS}test_parallel_resends_give_one_more_text",),
    ),
    Defence(
        "a number has texts of an hour and a day",
        "lambdas/triggers/ledger/phone_state.py",
        'return " AND ".join(steps + windows)',
        'return " AND ".join(steps)',
        (f"{_TEXTS}test_five_texts_in_any_hour", f"{_TEXTS}test_ten_texts_in_any_day"),
    ),
    Defence(
        "a block of numbers has a budget",
        "lambdas/triggers/ledger/budgets.py",
        '"(attribute_not_exists(#hour) OR #hour < :hourly)"\n',
        '"attribute_not_exists(nothing)"\n',
        (
            (
                f"{_BUDGETS}"
                "test_used_block_gets_twenty_texts_an_hour_two_of_them_to_people_known_before"
            ),
        ),
    ),
    Defence(
        "the pool has a budget",
        "lambdas/triggers/ledger/pool.py",
        '"(attribute_not_exists(#hour) OR #hour < :hourly)",\n',
        "\n",
        (f"{_BUDGETS}test_parallel_spending_stops_at_the_budget",),
    ),
    Defence(
        "the money of the pool has a budget",
        "lambdas/triggers/ledger/pool.py",
        '"(attribute_not_exists(spent) OR spent < :dollars_daily)",\n',
        "\n",
        (f"{_PRESSURE}test_parallel_spending_of_money_stops_with_the_text_that_reaches_the_end",),
    ),
    Defence(
        "strangers leave a share of every budget",
        "lambdas/triggers/limits.py",
        "return limit - limit * (100 - RESERVED_FROM) // 100",
        "return limit",
        (
            f"{_PRESSURE}test_last_tenth_is_for_people_known_before",
            (
                f"{_BUDGETS}"
                "test_used_block_gets_twenty_texts_an_hour_two_of_them_to_people_known_before"
            ),
        ),
    ),
    Defence(
        "numbers that were proven go first",
        "lambdas/triggers/ledger/budgets.py",
        "goes_first = is_known or reservation.is_proven",
        "goes_first = is_known",
        (
            f"{_PRESSURE}test_strangers_who_fill_a_block_do_not_silence_its_members",
            f"{_PRESSURE}test_strangers_who_fill_a_country_do_not_silence_its_members",
        ),
    ),
    Defence(
        "a text costs a proof of work under pressure",
        "lambdas/triggers/plans.py",
        "ways = (with_work(plan), plan) if wants_work else (plan, with_work(plan))",
        "ways = (plan, with_work(plan))",
        (
            (
                "tests/lambdas/test_pressure.py::"
                "test_sign_in_begins_with_a_proof_of_work_and_goes_on_to_its_text"
            ),
        ),
    ),
    Defence(
        "a text from the share of people known before tells nobody who has an account",
        "lambdas/triggers/ledger/budgets.py",
        "            if open_at or was_noted:\n",
        "            told_open_at, reservation = 0, replace(reservation, open_at=0)\n"
        "            if open_at or was_noted:\n",
        ("tests/lambdas/test_alike.py::test_member_and_stranger_are_told_the_same",),
    ),
    Defence(
        "a country has a budget",
        "lambdas/triggers/ledger/pool.py",
        '"(attribute_not_exists(#country) OR #country < :per_country)"',
        '"attribute_not_exists(nothing)"',
        (f"{_BUDGETS}test_country_and_pool_have_budgets_of_their_own",),
    ),
    Defence(
        "countries that are not on the list get no text",
        "lambdas/triggers/codes/recipients.py",
        'elif country not in environment.words("ALLOWED_COUNTRIES"):',
        "elif not country:",
        (f"{_UNSENT}test_who_gets_no_text_gets_a_challenge_of_the_same_shape",),
    ),
    Defence(
        "numbers that are no mobile ones get no text",
        "lambdas/triggers/codes/recipients.py",
        "elif not countries.is_mobile(phone):",
        "elif False:",
        (f"{_UNSENT}test_who_gets_no_text_gets_a_challenge_of_the_same_shape",),
    ),
    Defence(
        "an unverified number leads to no account whose user name is something else",
        "lambdas/triggers/codes/recipients.py",
        "elif is_unproven:",
        "elif False:",
        (f"{_USERNAME}test_number_that_does_not_count_gets_no_text_and_no_code_is_right",),
    ),
    Defence(
        "nor does the site look for one by it",
        "accounts/aws/holders.py",
        "return user.phone_verified or is_ours",
        "return True",
        (f"{_HOLDERS}test_number_that_somebody_wrote_on_their_account_takes_it_from_nobody",),
    ),
    Defence(
        "a number that two accounts have is texted to neither",
        "accounts/aws/holders.py",
        "if len(best) > 1:",
        "if False:",
        (
            f"{_HOLDERS}test_two_accounts_with_one_verified_number_get_no_text_and_operators_see_why",
        ),
    ),
    # The way to the pool
    Defence(
        "clients that are not on the list get nothing",
        "lambdas/triggers/clients.py",
        "    role = allowed.roles().get(client_id)\n",
        "    role = allowed.roles().get(client_id, Role.USUAL)\n",
        ("tests/lambdas/test_clients.py::test_client_that_is_not_on_the_list_is_refused",),
    ),
    Defence(
        "tokens are for our own challenge",
        "lambdas/triggers/plans.py",
        'entry["challengeName"] == OUR_CHALLENGE',
        "True",
        (f"{_PLANS}test_next_step_grants_tokens_only_after_every_step_of_the_plan",),
    ),
    Defence(
        "an answer counts for the step that it was asked for",
        "lambdas/triggers/plans.py",
        'metadata.partition(" ")[0] == mark',
        "True",
        (f"{_PLANS}test_next_step_round_of_another_kind_fails",),
    ),
    Defence(
        "a wrong password ends the sign-in",
        "lambdas/triggers/plans.py",
        'if entry["challengeName"] != name or not entry["challengeResult"]:',
        'if entry["challengeName"] != name:',
        (f"{_PLANS}test_next_step_wrong_password_fails",),
    ),
    Defence(
        "the caller cannot leave out the password",
        "lambdas/triggers/plans.py",
        "asks = name != PASSWORD_ROUNDS[0]",
        "asks = True",
        (f"{_PLANS}test_next_step_password_plan_that_the_caller_starts_without_it_fails",),
    ),
    Defence(
        "a plan proves who it is",
        "lambdas/triggers/plans.py",
        "if not any(KINDS[word].proves for word in ours):",
        "if False:",
        (f"{_PLANS}test_parse_refuses_what_is_no_plan",),
    ),
    Defence(
        "a proof of work is the number that was drawn",
        "lambdas/triggers/kinds/proof.py",
        'if not hmac.compare_digest(answer, private["number"]):',
        "if not answer:",
        (
            f"{_PROOF}test_number_of_another_challenge_is_wrong",
            f"{_PROOF}test_other_number_is_wrong_and_another_challenge_follows_once",
        ),
    ),
    Defence(
        "a challenge of passkeys is of this browser",
        "accounts/login/passkey_challenges.py",
        """{request.META['CSRF_COOKIE']}|""",
        "",
        (f"{_PASSKEYS}test_challenge_of_another_browser_is_refused",),
    ),
    Defence(
        "a challenge of passkeys ends with its time",
        "accounts/login/passkey_challenges.py",
        "return -60 < age < LIVES",
        "return -60 < age",
        (f"{_PASSKEYS}test_challenge_is_good_for_ten_minutes",),
    ),
    Defence(
        "an answer of a passkey counts once",
        "accounts/login/passkey_login.py",
        "if not passkey_challenges.take(answer.challenge):",
        "if not answer.challenge:",
        (f"{_PASSKEYS}test_answer_is_taken_once",),
    ),
    Defence(
        "the host of a page is checked where a passkey answers",
        "accounts/login/ceremonies.py",
        """            expected_origin=site.origin,
            credential_public_key=public_key,""",
        """            expected_origin=json.loads(decoded(json.loads(answer.text)["response"][
                "clientDataJSON"]))["origin"],
            credential_public_key=public_key,""",
        (f"{_PASSKEYS}test_answer_that_is_not_right_is_refused",),
    ),
    Defence(
        "no page in a frame gets an answer of a passkey",
        "accounts/login/ceremonies.py",
        """if client.get("crossOrigin") not in (None, False) or "topOrigin" in client:""",
        "if client is None:",
        (f"{_CEREMONIES}test_answer_of_another_page_or_of_nobody_is_refused",),
    ),
    Defence(
        "a device recognises the person who uses a passkey",
        "accounts/login/ceremonies.py",
        """            credential_current_sign_count=0,
            require_user_verification=True,""",
        "            credential_current_sign_count=0,",
        (f"{_PASSKEYS}test_answer_that_is_not_right_is_refused",),
    ),
    Defence(
        "a passkey whose count does not grow is switched off",
        "accounts/login/passkey_login.py",
        "if is_counted and used.sign_count <= row.sign_count:",
        "if not row:",
        (f"{_PASSKEYS}test_count_that_does_not_grow_switches_the_passkey_off",),
    ),
    Defence(
        "a passkey that was switched off signs nobody in",
        "accounts/login/passkey_login.py",
        "    if passkey.copied_at:",
        "    if not passkey:",
        (f"{_PASSKEYS}test_count_that_does_not_grow_switches_the_passkey_off",),
    ),
    Defence(
        "making and removing a passkey takes a fresh code",
        "accounts/views/passkeys.py",
        """@method_decorator(
    [sensitive_post_parameters("credential"), reauthentication.required], name="dispatch"
)""",
        """@method_decorator([sensitive_post_parameters("credential")], name="dispatch")""",
        (f"{_PASSKEYS}test_making_one_asks_for_a_fresh_code",),
    ),
    Defence(
        "operators are told of a passkey of theirs that was removed",
        "accounts/login/passkeys.py",
        """    if user.is_staff:
        notices.tell(request, user, "passkey_removed")
""",
        "",
        (f"{_ADMIN_PASSKEYS}test_operator_is_told_of_a_passkey_that_another_one_removed",),
    ),
    Defence(
        "a code alone opens no page of the admin",
        "accounts/admin_site.py",
        "        return super().has_permission(request) and second_factor.is_there(request)",
        "        return super().has_permission(request)",
        (f"{_OPERATORS}test_code_alone_leads_to_a_page_that_says_why",),
    ),
    Defence(
        "a passkey that was not made for the admin does not open it",
        "accounts/login/second_factor.py",
        "    return user.passkeys.filter(opens_admin=True, copied_at=None)",
        "    return user.passkeys.filter(copied_at=None)",
        (f"{_OPERATORS}test_passkey_that_thieves_of_the_number_make_does_not_open_the_admin",),
    ),
    Defence(
        "a set-up code is good for one passkey",
        "accounts/login/second_factor.py",
        "    is_used = bool(_code_of(request).delete()[0])",
        "    is_used = _KEY in request.session",
        (f"{_OPERATORS}test_set_up_code_is_good_for_one_passkey",),
    ),
    Defence(
        "guesses at a set-up code are counted",
        "accounts/login/second_factor.py",
        '    is_counted = mine.filter(tries__lt=_TRIES).update(tries=F("tries") + 1)',
        "    is_counted = mine.exists()",
        (f"{_OPERATORS}test_set_up_code_is_guessed_five_times_at_most",),
    ),
    Defence(
        "phones in reasons of operators are masked",
        "accounts/admin/action_forms.py",
        "        return phones.mask_in(line, region=conf.default_region)",
        "        return line",
        (f"{_REASONS}test_phones_in_a_reason_are_masked",),
    ),
    Defence(
        "reasons of operators hide nothing from those who read them",
        "accounts/admin/action_forms.py",
        "        if any(map(_is_hidden, line)):",
        "        if False:",
        (f"{_REASONS}test_reason_that_is_too_long_or_hides_something_is_refused",),
    ),
    Defence(
        "a site that asks for reasons gets them",
        "accounts/admin/action_forms.py",
        '            required=conf.reasons == "required",',
        "            required=False,",
        (f"{_REASONS}test_without_a_reason_acts_are_done_unless_the_site_asks_for_one",),
    ),
    Defence(
        "the log of changes reveals no masked number digit by digit",
        "accounts/admin/audit_search.py",
        "    found = User.objects.filter(user_search.matching(request, term))",
        "    found = User.objects.filter(phone__contains=term)",
        (
            (
                "tests/accounts/admin/test_audit_searches.py::"
                "test_part_of_a_number_finds_nothing_for_who_may_not_see_it"
            ),
        ),
    ),
    Defence(
        "operators let nobody with more rights into the admin",
        "accounts/admin/setup_codes.py",
        "    return not operations.refusal(Operation.Kind.MAKE_STAFF, user, by)",
        "    return True",
        (
            (
                "tests/accounts/admin/test_setup_codes.py::"
                "test_code_for_somebody_with_more_rights_is_refused"
            ),
        ),
    ),
    Defence(
        "a list is exported with a fresh code",
        "accounts/admin/exports.py",
        "@reauthentication.required\n",
        "",
        (f"{_EXPORT_PAGES}test_export_needs_a_code_that_was_typed_lately",),
    ),
    Defence(
        "an export is for whoever made it",
        "accounts/admin/exports.py",
        "    return Export.objects.filter(by=request.user.pk, expires_at__gt=timezone.now())",
        "    return Export.objects.filter(expires_at__gt=timezone.now())",
        (f"{_EXPORT_PAGES}test_exports_are_for_whoever_made_them",),
    ),
    Defence(
        "a file with whole numbers goes with the right to see them",
        "accounts/exports/runs.py",
        "        and (sees_whole_numbers(by, export.list_name) or not export.whole_numbers)\n",
        "",
        (f"{_EXPORTS}test_whole_numbers_are_no_longer_had_without_the_right",),
    ),
    Defence(
        "an export ends when its operator loses the right to it",
        "accounts/exports/runs.py",
        "    return is_alike and may_have(export, export.by)",
        "    return is_alike",
        (
            f"{_EXPORTS}test_export_ends_with_the_right_to_it",
            f"{_EXPORTS}test_export_ends_with_its_operator",
        ),
    ),
    Defence(
        "no file has masked and whole numbers",
        "accounts/exports/runs.py",
        "    return is_alike and may_have(export, export.by)",
        "    return may_have(export, export.by)",
        (f"{_EXPORTS}test_no_file_has_masked_and_whole_numbers",),
    ),
    Defence(
        "a searched number is masked in what is written down of an export",
        "accounts/exports/queries.py",
        "name == SEARCH_VAR and is_number(value) else value)\n            for",
        "False else value)\n            for",
        (f"{_EXPORTS}test_searched_number_is_masked_wherever_it_is_written_down",),
    ),
    Defence(
        "no cell of a file is a formula",
        "accounts/exports/formats.py",
        '    return _FORMULA.sub(r"\\1\'", str(value))',
        "    return str(value)",
        (
            "tests/accounts/exports/test_formats.py::test_no_cell_is_a_formula_whatever_separates_cells",
        ),
    ),
    Defence(
        "a saved view has parameters of its list alone",
        "accounts/admin/list_queries.py",
        " and page.lookup_allowed(name, value, request))",
        ")",
        (f"{_SAVED_VIEWS}test_saved_query_has_parameters_of_the_list_alone",),
    ),
    Defence(
        "a searched number is kept in no saved view",
        "accounts/admin/saved_views.py",
        "    if queries.has_number(view.query):",
        "    if not view.query:",
        (f"{_SAVED_VIEWS}test_searched_number_is_not_kept",),
    ),
    Defence(
        "people who are shut out stay out with a passkey",
        "accounts/login/proven_login.py",
        "        if not found.is_active:",
        "        if not found:",
        (f"{_PASSKEYS}test_people_who_are_shut_out_are_refused",),
    ),
    Defence(
        "a statement of the site is signed",
        "lambdas/triggers/statements.py",
        """is_signed = fits(found["mac"], *said, found["methods"], found["at"])""",
        "is_signed = True",
        (
            f"{_STATEMENT}test_statement_without_the_key_is_wrong",
            f"{_STATEMENT}test_statement_of_another_sign_in_person_or_pool_is_wrong",
        ),
    ),
    Defence(
        "a statement of the site counts once",
        "lambdas/triggers/kinds/statement.py",
        "return stated and ledger.configured().guesses.take(name, now=answered.now)",
        "return stated and bool(name)",
        (f"{_STATEMENT}test_statement_is_taken_once",),
    ),
    Defence(
        "a statement is a step of no other client",
        "lambdas/triggers/plans.py",
        "    steps = [name for name in KINDS if name not in STATED]",
        "    steps = list(KINDS)",
        (f"{_PLANS}test_parse_statement_is_no_step_of_a_plan",),
    ),
    Defence(
        "a proof of work ends with its time",
        "lambdas/triggers/kinds/proof.py",
        'if answered.now >= int(private["expiresAt"]):',
        "if False:",
        (f"{_PROOF}test_number_found_too_late_is_wrong",),
    ),
    Defence(
        "a proof of work counts once",
        "lambdas/triggers/kinds/proof.py",
        "return ledger.configured().guesses.take(name, now=answered.now)",
        "return ledger.configured() is not None and bool(name)",
        (f"{_PROOF}test_number_found_is_right_once",),
    ),
    Defence(
        "a token of a CAPTCHA is verified",
        "lambdas/triggers/kinds/captcha.py",
        'if reply.get("success") is not True:',
        "if not reply:",
        (f"{_CAPTCHA}test_token_that_is_not_verified_for_this_is_wrong",),
    ),
    Defence(
        "a token of a CAPTCHA is of our host",
        "lambdas/triggers/kinds/captcha.py",
        'if reply.get("hostname") != environment.text("SITE_HOST"):',
        "if not reply:",
        (f"{_CAPTCHA}test_token_that_is_not_verified_for_this_is_wrong",),
    ),
    Defence(
        "a token of a CAPTCHA is for a sign-in",
        "lambdas/triggers/kinds/captcha.py",
        'return "" if action == ACTION else "other_action"',
        'return ""',
        (f"{_CAPTCHA}test_token_that_is_not_verified_for_this_is_wrong",),
    ),
    Defence(
        "a token of a CAPTCHA counts once",
        "lambdas/triggers/kinds/captcha.py",
        "if not ledger.configured().guesses.take(name, now=answered.now):",
        "if not name:",
        (f"{_CAPTCHA}test_token_counts_once",),
    ),
    Defence(
        "a CAPTCHA without its provider fails as the stack says",
        "lambdas/triggers/kinds/captcha.py",
        'return environment.text("CAPTCHA_FAILS", "closed") == "open"',
        "return True",
        (f"{_CAPTCHA}test_provider_without_an_answer_lets_in_as_the_stack_says",),
    ),
    Defence(
        "a secret answer is counted before it is compared",
        "lambdas/triggers/kinds/question.py",
        "if not book.guesses.count(name, now=now):",
        "if not name:",
        (f"{_QUESTION}test_answer_is_counted_before_it_is_compared",),
    ),
    Defence(
        "a secret answer is chosen after a step that proves who it is",
        "lambdas/triggers/kinds/question.py",
        "if asked.is_proven:",
        "if asked:",
        (f"{_QUESTION}test_nobody_chooses_an_answer_before_the_code",),
    ),
    Defence(
        "a secret answer that is kept is not chosen again",
        "lambdas/triggers/ledger/kept_answers.py",
        'condition="attribute_not_exists(digest)" if is_first else None,',
        "condition=None,",
        (f"{_QUESTION}test_first_answer_is_kept_once",),
    ),
    Defence(
        "nobody without an account has a secret answer",
        "lambdas/triggers/kinds/question.py",
        "if not secret_answers.sub_of(recipient):",
        "if False:",
        (f"{_QUESTION}test_stranger_is_never_right",),
    ),
    Defence(
        "a secret answer is hashed with the server key",
        "lambdas/triggers/secret_answers.py",
        "keyed = hmac.digest(keys.answer_key(), answer.encode(), hashlib.sha256)",
        "keyed = answer.encode()",
        (f"{_QUESTION}test_copy_of_the_table_alone_gives_nothing_to_try_answers_on",),
    ),
    Defence(
        "a secret answer is changed after a fresh code",
        "accounts/views/question.py",
        'sensitive_post_parameters("answer"), reauthentication.required]',
        'sensitive_post_parameters("answer")]',
        ("tests/accounts/test_question_page.py::test_page_asks_for_a_fresh_code_first",),
    ),
    Defence(
        "an answer to a provider's question is counted before it is checked",
        "lambdas/triggers/kinds/provider.py",
        "if not book.guesses.count(recipient.name, now=answered.now):",
        "if False:",
        (
            f"{_PROVIDER}test_answer_is_counted_before_the_provider_is_asked",
            f"{_PROVIDER}test_held_number_is_not_even_asked_about",
        ),
    ),
    Defence(
        "an answer to a provider's question is right once",
        "lambdas/triggers/kinds/provider.py",
        "if not book.guesses.take(keys.pseudonym(_NAME, key), now=answered.now):",
        "if False:",
        (f"{_PROVIDER}test_confirmed_question_is_right_once",),
    ),
    Defence(
        "a provider's question ends with its time",
        "lambdas/triggers/kinds/provider.py",
        "if answered.now >= challenge.expires_at:",
        "if False:",
        (f"{_PROVIDER}test_answer_after_the_end_of_the_question_is_wrong",),
    ),
    Defence(
        "a code of an app is counted before it is compared",
        "lambdas/triggers/authenticators.py",
        "if not book.guesses.count(name, now=now):",
        "if False:",
        (f"{_APPS}test_guesses_in_parallel_are_held_after_ten",),
    ),
    Defence(
        "a code of an app is right once",
        "lambdas/triggers/authenticators.py",
        "if not book.guesses.take(used, now=now):",
        "if False:",
        (f"{_APPS}test_code_is_right_once_however_many_send_it",),
    ),
    Defence(
        "people with an app are asked for its code",
        "lambdas/triggers/plans.py",
        "return not wanted or bool(attributes.get(wanted))",
        "return not wanted",
        (f"{_APPS}test_define_asks_those_who_have_an_app",),
    ),
    Defence(
        "strangers do not see who has an app",
        "lambdas/triggers/plans.py",
        "if KINDS[word].attribute and not proven:",
        "if False:",
        (f"{_PLANS}test_parse_refuses_to_tell_strangers_who_has_an_authenticator",),
    ),
    Defence(
        "setting up an app of Cognito's own needs its code",
        "accounts/aws/app_setup.py",
        'if reply["Status"] != "SUCCESS":',
        "if False:",
        (f"{_FACTORS}test_setup_that_cognito_does_not_verify_gives_no_tokens",),
    ),
    Defence(
        "the key of an app is kept encrypted",
        "accounts/aws/challenges/factors.py",
        'sealed: ClassVar[tuple[str, ...]] = ("session", "secret")',
        'sealed: ClassVar[tuple[str, ...]] = ("session",)',
        (f"{_FACTORS}test_table_of_sessions_holds_no_secret_of_a_setup",),
    ),
    Defence(
        "what cannot be a provider's token is not handed on",
        "lambdas/triggers/kinds/provider.py",
        "if not (isinstance(token, str) and _TOKEN.fullmatch(token)):",
        "if False:",
        (f"{_PROVIDER}test_answer_that_is_no_token_costs_nothing",),
    ),
    Defence(
        "each sign-in has a provider's question of its own",
        "lambdas/triggers/kinds/provider.py",
        "question = _ask(phone, recipient, challenge, challenge.id, started)",
        'question = _ask(phone, recipient, challenge, "shared", started)',
        (f"{_PROVIDER}test_another_sign_in_never_gets_the_same_question",),
    ),
    Defence(
        "whether somebody has enrolled is told after a proof alone",
        "lambdas/triggers/kinds/provider.py",
        "if not is_proven:",
        "if False:",
        (f"{_PROVIDER}test_enrolment_is_not_told_to_somebody_who_has_proven_nothing",),
    ),
    Defence(
        "a provider is believed where it says that it is valid",
        "lambdas/triggers/providers/authsignal.py",
        'found.get("isValid") is True\n            and ',
        "",
        (f"{_PROVIDER}test_confirmation_of_anything_else_is_wrong",),
    ),
    Defence(
        "a provider is believed for a challenge that succeeded",
        "lambdas/triggers/providers/authsignal.py",
        'and found.get("state") == "CHALLENGE_SUCCEEDED"\n            ',
        "",
        (f"{_PROVIDER}test_confirmation_of_anything_else_is_wrong",),
    ),
    Defence(
        "a provider is believed for this user",
        "lambdas/triggers/providers/authsignal.py",
        'and found.get("userId") == user\n            ',
        "",
        (f"{_PROVIDER}test_confirmation_of_anything_else_is_wrong",),
    ),
    Defence(
        "a provider is believed for this action",
        "lambdas/triggers/providers/authsignal.py",
        "and actions == {action}\n            ",
        "",
        (f"{_PROVIDER}test_confirmation_of_anything_else_is_wrong",),
    ),
    Defence(
        "a provider is believed for this question",
        "lambdas/triggers/providers/authsignal.py",
        'and found.get("idempotencyKey") == key\n            ',
        "",
        (
            f"{_PROVIDER}test_confirmation_of_anything_else_is_wrong",
            f"{_PROVIDER}test_token_of_another_question_of_the_same_person_is_wrong",
        ),
    ),
    Defence(
        "a provider is believed for methods of the stack's list",
        "lambdas/triggers/providers/authsignal.py",
        "\n            and method in self._options.methods",
        "",
        (f"{_PROVIDER}test_confirmation_of_anything_else_is_wrong",),
    ),
    Defence(
        "a provider's code counts where it went to the number",
        "lambdas/triggers/providers/authsignal.py",
        "return numbers == {phone}",
        "return bool(numbers)",
        (f"{_PROVIDER}test_code_to_another_phone_is_wrong",),
    ),
    Defence(
        "a provider's question counts as a text",
        "lambdas/triggers/codes/sending.py",
        "reservation = replace(reservation, texted_at=None)",
        "pass",
        (f"{_PROVIDER}test_questions_count_as_texts_to_their_number",),
    ),
    Defence(
        "a page of another host is not a provider's",
        "accounts/aws/challenges/provider.py",
        'if url and not url.startswith(f"{conf.provider_page}/"):',
        "if False:",
        (f"{_RETURN}test_page_is_that_of_the_setting_or_none",),
    ),
    Defence(
        "a way back of another sign-in is told so",
        "accounts/views/provider_page.py",
        "if attempt and attempt != challenge.reference:",
        "if False:",
        (f"{_RETURN}test_second_tab_begins_a_sign_in_of_its_own",),
    ),
    Defence(
        "a provider's token and page are kept sealed",
        "accounts/aws/challenges/provider.py",
        '("session", "url", "token")',
        '("session",)',
        (f"{_RETURN}test_store_of_the_attempt_shows_no_token_and_no_url",),
    ),
    Defence(
        "nobody who is unknown gets tokens",
        "lambdas/triggers/define_auth_challenge.py",
        'if decision is Decision.TOKENS and request.get("userNotFound") is True:',
        "if False:",
        (f"{_DEFINE}test_handler_recorded_event_gets_its_response",),
    ),
    Defence(
        "a network tries few wrong passwords",
        "accounts/login/login_flow.py",
        '        attempt_steps.within_limits("wrong_codes", request)\n',
        "",
        (f"{_PASSWORDS}test_wrong_passwords_count_as_wrong_codes_of_the_network",),
    ),
    Defence(
        "a password that was right before says nothing of the next one",
        "accounts/login/login_flow.py",
        "        return False\n",
        "        return True\n",
        (f"{_PASSWORDS}test_wrong_password_after_a_right_one_is_wrong",),
    ),
    Defence(
        "a temporary password signs nobody in",
        "lambdas/triggers/define_auth_challenge.py",
        "    if _began_with_password(history) and _has_temporary_password(request):\n",
        "    if False:\n",
        (f"{_DEFINE}test_handler_temporary_password_is_not_asked_for",),
    ),
    Defence(
        "strangers make no accounts at Cognito",
        "lambdas/triggers/pre_sign_up.py",
        'if event.get("triggerSource") != "PreSignUp_AdminCreateUser":',
        "if not event:",
        ("tests/lambdas/test_pre_sign_up.py::test_pre_sign_up_by_a_stranger_is_refused",),
    ),
    Defence(
        "the pool is closed",
        "lambdas/template.yaml",
        "AllowAdminCreateUserOnly: true",
        "AllowAdminCreateUserOnly: false",
        (f"{_TEMPLATE}test_pool_is_closed_to_strangers",),
    ),
    # Tokens
    Defence(
        "a token is signed by the pool",
        "accounts/aws/tokens.py",
        '"verify_signature": True,',
        '"verify_signature": False,',
        (
            f"{_TOKENS}test_token_that_was_changed_after_signing_is_invalid",
            f"{_TOKENS}test_token_of_another_pools_key_is_invalid",
        ),
    ),
    Defence(
        "a token is signed with the one algorithm",
        "accounts/aws/tokens.py",
        'algorithms=["RS256"],',
        'algorithms=["RS256", "RS384", "RS512", "PS256"],',
        (f"{_TOKENS}test_token_of_another_algorithm_is_invalid_even_if_its_key_says_so",),
    ),
    Defence(
        "a token is of our pool",
        "accounts/aws/tokens.py",
        "issuer=self._issuer,",
        "",
        (f"{_TOKENS}test_token_with_a_claim_amiss_is_invalid",),
    ),
    Defence(
        "a token is for our client",
        "accounts/aws/tokens.py",
        '"verify_signature": True,',
        '"verify_signature": True, "verify_aud": False,',
        (f"{_TOKENS}test_token_with_a_claim_amiss_is_invalid",),
    ),
    Defence(
        "a token is an ID token",
        "accounts/aws/tokens.py",
        'if claims["token_use"] != "id":',
        "if False:",
        (f"{_TOKENS}test_token_with_a_claim_amiss_is_invalid",),
    ),
    Defence(
        "a token is of the person who asked",
        "accounts/aws/tokens.py",
        'if claims["sub"] != sub:',
        "if False:",
        (f"{_TOKENS}test_token_of_somebody_else_is_invalid",),
    ),
    # The site
    Defence(
        "forms of other sites do nothing",
        "config/settings.py",
        '"django.middleware.csrf.CsrfViewMiddleware",',
        "",
        (f"{_VIEWS}test_form_from_another_site_does_nothing",),
    ),
    Defence(
        "next leads to this host alone",
        "accounts/views/onward.py",
        "and url_has_allowed_host_and_scheme(\n"
        "            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()\n"
        "        )",
        "",
        (
            f"{_VIEWS}test_bad_next_leads_home",
            f"{_VIEWS}test_plain_next_is_refused_where_the_site_is_https",
        ),
    ),
    Defence(
        "a code is for the attempt of its page",
        "accounts/login/attempt_steps.py",
        "if not hmac.compare_digest(attempt.encode(), waiting.attempt.encode()):",
        "if False:",
        (f"{_VIEWS}test_attempt_that_nobody_made_is_told_so_and_costs_no_try",),
    ),
    Defence(
        "networks are limited",
        "accounts/login/throttle.py",
        "    if wait := _ask(kind, name):\n",
        "    if (wait := _ask(kind, name)) and False:\n",
        (
            f"{_THROTTLE}test_hit_beyond_the_limit_is_refused",
            f"{_VIEWS}test_too_many_wrong_codes_are_a_429_page",
        ),
    ),
    Defence(
        "a number without an account takes no query more",
        "accounts/login/attempt_steps.py",
        "        self._owners[None] = user\n",
        "",
        (f"{_EQUAL}test_stranger_takes_what_a_member_takes",),
    ),
    Defence(
        "a network that only asks for texts does work for them",
        "accounts/login/throttle.py",
        "    return _ask(_UNUSED, devices.network(devices.client_address(request))) > 0\n",
        "    return False\n",
        (
            f"{_THROTTLE}test_network_only_asks_once_so_many_texts_brought_no_code",
            f"{_WORK}test_text_to_a_network_that_only_asks_costs_work_and_leaves_then",
        ),
    ),
    Defence(
        "no text leaves before that work is done",
        "accounts/login/work.py",
        "        and hmac.compare_digest(_digest(challenge.salt, answer), challenge.digest)\n",
        "",
        (f"{_WORK}test_wrong_number_texts_nobody_and_the_third_one_ends_it",),
    ),
    Defence(
        "an invented address buys nothing",
        "accounts/devices.py",
        "            return chain[-proxies]\n",
        "            return chain[0]\n",
        (f"{_THROTTLE}test_invented_forwarding_buys_no_further_tries",),
    ),
    Defence(
        "the database has digests of session keys",
        "accounts/sessions/rows.py",
        "return base64.urlsafe_b64encode("
        "hashlib.sha256(key.encode()).digest()[:_DIGEST_BYTES]).decode()",
        "return key",
        (f"{_SESSIONS}test_table_holds_nothing_that_signs_its_reader_in",),
    ),
    Defence(
        "a sign-in takes a new session key",
        "accounts/sessions/store.py",
        "            self._session_key = self._get_new_session_key()\n",
        "",
        (f"{_VIEWS}test_sign_in_takes_a_new_session_key_and_drops_the_old",),
    ),
    Defence(
        "sessions of Cognito are sealed",
        "accounts/login/pending.py",
        "sealing.seal(kept[name], purpose=_KEY)",
        "kept[name]",
        ("tests/accounts/login/test_pending.py::test_table_holds_no_session_of_cognitos",),
    ),
    Defence(
        "words that stop texts are counted",
        "lambdas/triggers/ledger/stops.py",
        '"AND (attribute_not_exists(challenge.words) OR challenge.words < :most)"',
        '""',
        ("tests/lambdas/test_stop.py::test_words_are_counted_before_they_are_compared",),
    ),
    Defence(
        "answers to backup codes are counted",
        "lambdas/triggers/backup_codes.py",
        "    if not book.guesses.count(counted, now=now):\n        return False\n",
        "",
        ("tests/lambdas/test_backup_codes.py::test_answers_are_counted_before_they_are_compared",),
    ),
    Defence(
        "a backup code is taken once",
        "lambdas/triggers/ledger/backup_codes.py",
        '            "REMOVE codes.#digest",\n',
        '            "SET seen = codes.#digest",\n',
        ("tests/lambdas/test_backup_codes.py::test_ten_codes_are_drawn_each_good_once",),
    ),
    Defence(
        "a backup code is no way past a second step",
        "accounts/login/backup_login.py",
        "    return bool(is_enough and conf.texts_function",
        "    return bool(conf.texts_function",
        (f"{_BACKUP_LOGIN}test_there_is_no_such_way_where_it_would_be_weaker_or_cannot_be",),
    ),
    # Recoveries by operators
    Defence(
        "a recovery waits",
        "accounts/models/recoveries.py",
        "is_waited = self.ready_at is not None and self.ready_at <= now",
        "is_waited = True",
        (f"{_RECOVERY}test_no_code_is_given_before_the_waiting_time_is_over",),
    ),
    Defence(
        "a recovery that nobody was told of needs a second operator",
        "accounts/operations/recoveries.py",
        'is_told = texted == "sent" or even_untold',
        "is_told = True",
        (f"{_RECOVERY}test_number_that_could_not_be_told_needs_a_second_operator",),
    ),
    Defence(
        "the second operator is another one",
        "accounts/operations/recoveries.py",
        "    if row.started_by_id == by.pk:\n        return False\n",
        "",
        (f"{_RECOVERY}test_second_operator_is_another_one",),
    ),
    Defence(
        "one operator changes no number for which it takes two",
        "accounts/operations/rules.py",
        "if kind == Kind.CHANGE_NUMBER and is_mere_operator and takes_two_operators(user):",
        "if False:",
        (f"{_RECOVERY}test_one_operator_does_not_change_that_number_another_way",),
    ),
    Defence(
        "nobody recovers themselves",
        "accounts/operations/recoveries.py",
        "    if by.pk == user.pk:\n        return Operation.Remark.YOURSELF\n",
        "",
        (f"{_RECOVERIES}test_nobody_recovers_themselves",),
    ),
    Defence(
        "answers to the code of a recovery are counted before they are compared",
        "accounts/operations/recovery_codes.py",
        'if not counted.update(tries_left=F("tries_left") - 1):',
        "if False:",
        (
            f"{_RECOVERY}test_wrong_code_is_counted_before_it_is_compared",
            f"{_RECOVERY}test_of_many_wrong_answers_at_once_five_are_compared",
        ),
    ),
    Defence(
        "the browser of a recovery has half an hour",
        "accounts/operations/recovery_codes.py",
        "return row.state == State.OPENED and is_in_time and row.user.is_active",
        "return row.state == State.OPENED and row.user.is_active",
        (f"{_RECOVERY}test_code_is_good_for_an_hour_and_the_browser_for_half_of_one",),
    ),
    Defence(
        "a look at the link stops no recovery",
        "accounts/views/recovery.py",
        "        return _stop_page(request, word=word)\n\n    def post",
        "        return self.post(request, word)\n\n    def post",
        (f"{_RECOVERY}test_press_stops_it_and_a_look_does_not",),
    ),
    Defence(
        "a recovery ends sessions",
        "accounts/operations/recover.py",
        '        sessions.end_all(changed, Session.Ended.NUMBER_CHANGED, reason="recovery")\n',
        "",
        (f"{_RECOVERY}test_new_number_ends_every_other_way_in",),
    ),
    Defence(
        "a recovery ends passkeys",
        "accounts/operations/recover.py",
        "        changed.passkeys.all().delete()\n",
        "",
        (f"{_RECOVERY}test_new_number_ends_every_other_way_in",),
    ),
    Defence(
        "phones are masked in logs",
        "config/logs.py",
        "        mask,\n",
        "",
        ("tests/web/test_logs.py::test_phone_that_somebody_else_writes_is_masked",),
    ),
    Defence(
        "the device cookie belongs to this host",
        "accounts/devices.py",
        'return "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"',
        'return "device"',
        ("tests/web/test_cookies.py::test_every_cookie_belongs_to_this_host_alone",),
    ),
    # Deployment
    Defence(
        "no site is served with DEBUG",
        "config/checks.py",
        '"E001": (settings.DEBUG,',
        '"E001": (False,',
        ("tests/config/test_checks.py::test_what_is_not_safe_is_an_error",),
    ),
    Defence(
        "no site is served with a plain key",
        "config/checks.py",
        "len(key) < _SHORTEST_KEY or len(set(key)) < 10,",
        "False,",
        ("tests/config/test_checks.py::test_what_is_not_safe_is_an_error",),
    ),
    Defence(
        "no site is served without a list of countries",
        "accounts/checks/login.py",
        "if unknown or not conf.countries:",
        "if unknown:",
        ("tests/accounts/test_checks.py::test_countries_that_are_none_are_e001",),
    ),
    # Faults
    Defence(
        "a lock that could not be freed is freed once the database answers",
        "accounts/login/lock.py",
        "            _left.add(self._row.holder)\n",
        "",
        ("tests/web/test_faults.py::test_next_attempt_works_and_nothing_is_left_half_done",),
    ),
    Defence(
        "a connection to a database that takes no writes is left",
        "config/postgresql/base.py",
        'row[0] == "off")',
        "row[0])",
        ("tests/web/test_faults.py::test_every_step_has_its_status_within_ten_seconds",),
    ),
    Defence(
        "A code alone opens no account that nobody used for long",
        "accounts/login/login_flow.py",
        "        if dormant.stops(step, user):\n            return dormant.ask\n",
        "",
        (f"{_DORMANT}test_recycled_number_does_not_open_the_account_of_its_earlier_owner",),
    ),
    Defence(
        "Only a step that takes more than the number is a second proof",
        "accounts/login/code_flow.py",
        "waiting.proven_more or waiting.challenge.proves_more",
        "True",
        (f"{_DORMANT}test_recycled_number_does_not_open_the_account_of_its_earlier_owner",),
    ),
    Defence(
        "An approval is for the browser that asked",
        "accounts/operations/returns.py",
        'found.filter(browser__in=("", browser)).exists()',
        "found.exists()",
        (f"{_DORMANT}test_approval_is_for_the_browser_that_asked",),
    ),
    Defence(
        "An order to free a number that waits is refused once the account was used",
        "accounts/operations/rules.py",
        "if kind == Kind.FREE_NUMBER and params is not None and _was_used(user, params):",
        "if False:",
        (f"{_DORMANT}test_order_that_waits_takes_no_number_from_an_owner_who_came_back",),
    ),
    Defence(
        "A number is taken from no account that has more than the site gave it",
        "accounts/login/dormant.py",
        "    if not _may_begin_afresh(waiting, user):\n        raise OperatorsOnly\n",
        "",
        (f"{_DORMANT}test_only_operators_take_a_number_from_an_account_with_more",),
    ),
    Defence(
        "A number is taken from no account with a password",
        "accounts/login/dormant.py",
        "if gateway.read_user(user.sub).status != _AS_MADE:",
        "if False:",
        (f"{_DORMANT}test_only_operators_take_a_number_from_an_account_with_more",),
    ),
)


def run(tests: list[str], tree: Path, without: Defence | None = None) -> int:
    """Run tests in a copy of the tree, and return pytest's exit code."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "copy"
        shutil.copytree(tree, copy, symlinks=True)
        if without:
            source = (copy / without.file).read_text("utf-8")
            (copy / without.file).write_text(without.taken_out_of(source), "utf-8")
        # It might name the project, whose modules would come before those of the copy.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
                cwd=copy,
                env=environment,
                capture_output=True,
                timeout=_SECONDS * (1 if without else 4),
                check=False,
            )
        except subprocess.TimeoutExpired:
            return -1
        return done.returncode


def judge(tree: Path, defence: Defence, test: str) -> str:
    """Return "yes" if the test goes red without the defence, else what it does."""
    try:
        code = run([test], tree, defence)
    except ValueError:
        return "the lines are gone"
    return {_RED: "yes", _GREEN: "no"}.get(code, f"pytest ended with {code}")


def report(tree: Path) -> int:
    """Print a line for each defence and test, and return 1 unless each goes red."""
    cases = [(defence, test) for defence in DEFENCES for test in defence.tests]
    if run(sorted({test for _, test in cases}), tree) != _GREEN:
        print("Some of these tests fail with all defences in place.")
        return 1
    print("| defence | test | red without it |\n|---|---|---|")
    found = []
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        judged = workers.map(lambda case: judge(tree, *case), cases)
        for (defence, test), red in zip(cases, judged, strict=True):
            print(f"| {defence.name} | `{test.partition('::')[2]}` | {red} |", flush=True)
            found.append(red)
    print(f"\n{found.count('yes')} of {len(found)} tests go red, for {len(DEFENCES)} defences.")
    return 0 if found.count("yes") == len(found) else 1


def main() -> int:
    """Report on the tree as it is now, however it changes meanwhile."""
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory) / "tree"
        shutil.copytree(PROJECT, tree, ignore=_NOT_COPIED)
        (tree / ".local").symlink_to(PROJECT / ".local")
        return report(tree)


if __name__ == "__main__":
    sys.exit(main())
