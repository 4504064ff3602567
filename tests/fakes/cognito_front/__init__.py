"""A front before the emulator that is as strict as Amazon Cognito: see ``front``."""
