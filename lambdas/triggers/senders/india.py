"""India: operators drop a text that does not name its registered sender and template.

Variables, both or none, up to 50 letters and digits: IN_ENTITY_ID, IN_TEMPLATE_ID.
"""

from dataclasses import dataclass

from .. import environment
from .contract import Message

_ID = "[A-Za-z0-9]{1,50}"


@dataclass(frozen=True)
class Registration:
    """The ids under which sender and template are registered."""

    entity_id: str
    template_id: str


def from_environment() -> Registration | None:
    """Return the registration, or None where there is none. Raises WrongEnvironment."""
    entity_id, template_id = (
        environment.matching(name, _ID, hint="1 to 50 letters and digits")
        for name in ("IN_ENTITY_ID", "IN_TEMPLATE_ID")
    )
    if entity_id and template_id:
        return Registration(entity_id, template_id)
    if entity_id or template_id:
        raise environment.WrongEnvironment("IN_ENTITY_ID and IN_TEMPLATE_ID need each other")
    return None


def on(message: Message, registration: Registration | None) -> Registration | None:
    """Return the registration that ``message`` must carry, None outside India."""
    return registration if message.country == "IN" else None
