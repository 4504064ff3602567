"""Providers of a challenge: a company that proves who somebody is, by means of its own.

    contract    what every provider takes, returns and raises
    authsignal  Authsignal
    decoys      what looks like a provider's token and URL, for names that it is not asked about

    providers.configured().ask(…)

Another provider is a module with a class of the same contract, and a choice in ``configured``.

Variables: PROVIDER_URL, the address of its API; PROVIDER_SECRET_ID, the secret that holds the key;
and those of the provider's module.
"""

from functools import cache

from . import authsignal
from .contract import Provider, ProviderError, Question

__all__ = ["Provider", "ProviderError", "Question", "configured"]


@cache
def configured() -> Provider:
    """Return the provider, made once per process. Raises WrongEnvironment and botocore's errors."""
    return authsignal.from_environment()
