"""Amazon Cognito triggers for phone sign-in: standard library and boto3 only.

One module per function holds a thin ``handler``:

    pre_authentication              lets no flow for known browsers begin without the site's proof
    define_auth_challenge           decides the next step, and when tokens are granted
    create_auth_challenge           draws a challenge and texts its code
    verify_auth_challenge_response  compares the answer
    pre_sign_up                     refuses public sign-up
    pre_token_generation            says in the tokens how somebody signed in, where that is on
    site_texts                      texts that the site asks for: proofs of a number, notices
                                    (site_events reads what it asks; site_ways has sign-ins whose
                                    code goes elsewhere; site_secrets and site_links do what is
                                    no text)
    manage_ledger                   shows, clears and sums up counts, for operators

The others hold the logic, with time as an argument:

    plans       the steps of a sign-in              kinds/      a challenge of each kind of step
    codes/      a code on its way out and back      challenge   one code, derived from its id
    ledger/     counts and limits, in DynamoDB      limits      the numbers behind them
    senders/    services that send texts            messages/   the wording, in every language
    providers/  companies that prove who it is      http_json   one call over HTTPS

An event holds the person's answer and must never be logged.
"""
