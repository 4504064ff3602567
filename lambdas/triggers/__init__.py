"""Amazon Cognito triggers for phone sign-in: standard library and boto3 only.

One module per function holds a thin ``handler``; the modules beside them hold the logic, without
I/O and with time as an argument. An event holds the person's answer and must never be logged.

    define_auth_challenge           which step comes next, and when tokens are granted
    create_auth_challenge           draws a challenge and texts its code
    verify_auth_challenge_response  compares the answer
    pre_sign_up                     refuses public sign-up
    site_texts                      texts that the site asks for: proofs of a number, notices
    manage_ledger                   shows, clears and sums up what was counted, for operators
"""
