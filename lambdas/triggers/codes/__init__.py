"""Codes on their way out and back, for every purpose.

    purposes     the uses of a code: its key, its wording, its name in the ledger
    recipients   people who ask, and whether a text may go to them
    wording      the message that brings a code, for each channel
    sending      a challenge handed out, and its code texted once and within every limit
    checking     an answer counted, compared and taken once
    notices      texts without a code
    unsent       texts that were not sent: log, metric, count
    pace         how long an answer takes

Cognito calls a slow trigger again with the same event, people press twice, and attackers come in
parallel: the ledger hands all of them the same challenge, and one of them the right to text it.
"""
