"""What SiteTexts does for the site beyond texts: apps, backup codes and answers to questions.

``site_texts`` says what each action takes and returns.
"""

import time
from typing import Any

from . import authenticators, backup_codes, ledger, secret_answers, telemetry
from .backup_codes import Lane
from .site_events import matching, user_of


def _new_authenticator(event: dict[str, Any]) -> dict[str, Any]:
    user, salt = user_of(event), authenticators.draw_salt()
    key = authenticators.secret(user, salt)
    return {"salt": salt, "secret": authenticators.in_base_32(key)}


def _check_authenticator(event: dict[str, Any]) -> dict[str, Any]:
    user, salt = user_of(event), matching(event, "salt", authenticators.SALT)
    is_correct = authenticators.accept(user, salt, event.get("code"), now=time.time())
    telemetry.record(
        "authenticator_proven" if is_correct else "authenticator_refused",
        metrics={"AuthenticatorVerified" if is_correct else "AuthenticatorFailed": 1},
    )
    return {"is_correct": is_correct}


def _new_backup_codes(event: dict[str, Any]) -> dict[str, Any]:
    codes = backup_codes.draw(user_of(event), now=time.time())
    telemetry.record("backup_codes_drawn", metrics={})
    return {"codes": codes}


def _backup_codes(event: dict[str, Any]) -> dict[str, Any]:
    return {"left": backup_codes.left(user_of(event), now=time.time())}


def _check_backup_code(event: dict[str, Any]) -> dict[str, Any]:
    user = user_of(event)
    lane = Lane.KNOWN if event.get("is_known") is True else Lane.STRANGER
    is_correct = backup_codes.accept(user, event.get("code"), lane=lane, now=time.time())
    telemetry.record(
        "backup_code_used" if is_correct else "backup_code_refused",
        metrics={"BackupCodesUsed" if is_correct else "BackupCodesFailed": 1},
    )
    return {"is_correct": is_correct}


def _question(event: dict[str, Any]) -> dict[str, Any]:
    name = secret_answers.name_of(user_of(event))
    kept = ledger.configured().kept_answers.read(name, now=time.time())
    return {"question": secret_answers.question_of(name), "is_answered": kept is not None}


def _keep_answer(event: dict[str, Any]) -> dict[str, Any]:
    name = secret_answers.name_of(user_of(event))
    answer, now = secret_answers.read(event.get("answer")), time.time()
    if answer:
        ledger.configured().kept_answers.keep(name, secret_answers.kept(answer), now=now)
        telemetry.record("answer_kept", metrics={})
    return {"is_kept": bool(answer)}


ACTIONS = {
    "new_authenticator": _new_authenticator,
    "check_authenticator": _check_authenticator,
    "new_backup_codes": _new_backup_codes,
    "backup_codes": _backup_codes,
    "check_backup_code": _check_backup_code,
    "question": _question,
    "keep_answer": _keep_answer,
}
