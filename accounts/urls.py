"""URLs under /accounts/: sign in and out, confirm, change number, passkeys, end sessions."""

from django.urls import path

from accounts.views import (
    authenticator,
    challenge,
    change_phone,
    devices,
    login,
    passkeys,
    provider_page,
    question,
    reauthentication,
    session_ended,
    site,
    take_over,
)

app_name = "accounts"

urlpatterns = [
    path("login/", login.PhoneView.as_view(), name="login"),
    path("login/code/", login.CodeView.as_view(), name="code"),
    path("login/challenge/", challenge.ChallengeView.as_view(), name="challenge"),
    path("login/return/", provider_page.ReturnView.as_view(), name="provider_return"),
    path("login/forget/", login.ForgetView.as_view(), name="forget"),
    path("login/resend/", login.ResendView.as_view(), name="resend"),
    path("login/passkey/", login.PasskeyLoginView.as_view(), name="passkey_login"),
    path("login/take-over/", take_over.TakeOverView.as_view(), name="take_over"),
    path("login/cancel/", take_over.CancelView.as_view(), name="cancel"),
    path("brand.css", site.brand_css, name="brand_css"),
    path("language/", site.LanguageView.as_view(), name="language"),
    path("logout/", login.SignOutView.as_view(), name="logout"),
    path("ended/", session_ended.EndedView.as_view(), name="ended"),
    path("confirm/", reauthentication.ConfirmView.as_view(), name="confirm"),
    path("confirm/code/", reauthentication.ConfirmCodeView.as_view(), name="confirm_code"),
    path("confirm/resend/", reauthentication.ConfirmResendView.as_view(), name="confirm_resend"),
    path("number/", change_phone.ChangePhoneView.as_view(), name="number"),
    path("number/code/", change_phone.ChangePhoneCodeView.as_view(), name="number_code"),
    path("number/resend/", change_phone.ChangePhoneResendView.as_view(), name="number_resend"),
    path("number/cancel/", change_phone.CancelView.as_view(), name="number_cancel"),
    path("number/taken/", change_phone.TakenView.as_view(), name="number_taken"),
    path("number/changed/", change_phone.ChangedView.as_view(), name="number_changed"),
    path("authenticator/", authenticator.AuthenticatorView.as_view(), name="authenticator"),
    path("authenticator/setup/", authenticator.SetupView.as_view(), name="authenticator_setup"),
    path("authenticator/remove/", authenticator.RemoveView.as_view(), name="authenticator_remove"),
    path("passkeys/", passkeys.PasskeysView.as_view(), name="passkeys"),
    path("passkeys/add/", passkeys.AddView.as_view(), name="passkey_add"),
    path("passkeys/offer/", passkeys.OfferView.as_view(), name="passkey_offer"),
    path("passkeys/rename/", passkeys.RenameView.as_view(), name="passkey_rename"),
    path("passkeys/remove/", passkeys.RemoveView.as_view(), name="passkey_remove"),
    path("ways/", passkeys.ways_view, name="ways"),
    path("question/", question.QuestionView.as_view(), name="question"),
    path("devices/", devices.DevicesView.as_view(), name="devices"),
    path("devices/end/", devices.EndOneView.as_view(), name="end_one"),
    path("devices/end-others/", devices.EndOthersView.as_view(), name="end_others"),
    path("devices/seen/", devices.NewcomerSeenView.as_view(), name="newcomer_seen"),
]
