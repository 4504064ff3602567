import pytest

from lambdas.triggers import pre_sign_up


def test_pre_sign_up_by_an_administrator_is_allowed(event):
    asked = event("pre_sign_up_admin_create_user")
    answered = pre_sign_up.handler(event("pre_sign_up_admin_create_user"), None)
    assert answered == asked


def test_pre_sign_up_by_an_administrator_verifies_nothing(event):
    asked = event("pre_sign_up_admin_create_user")
    asked["response"] = dict.fromkeys(asked["response"], True)
    assert pre_sign_up.handler(asked, None)["response"] == {
        "autoConfirmUser": False,
        "autoVerifyEmail": False,
        "autoVerifyPhone": False,
    }


@pytest.mark.parametrize("name", ["pre_sign_up_sign_up", "pre_sign_up_external_provider"])
def test_pre_sign_up_by_a_stranger_is_refused(event, name):
    with pytest.raises(pre_sign_up.SignUpClosed, match=r"^Sign-up is closed$"):
        pre_sign_up.handler(event(name), None)


@pytest.mark.parametrize("source", [None, "", "presignup_admincreateuser", "PreSignUp_NewSource"])
def test_pre_sign_up_from_an_unknown_source_is_refused(event, source):
    asked = event("pre_sign_up_admin_create_user") | {"triggerSource": source}
    with pytest.raises(pre_sign_up.SignUpClosed):
        pre_sign_up.handler(asked, None)


def test_pre_sign_up_without_a_source_is_refused(event):
    asked = event("pre_sign_up_admin_create_user")
    del asked["triggerSource"]
    with pytest.raises(pre_sign_up.SignUpClosed):
        pre_sign_up.handler(asked, None)
