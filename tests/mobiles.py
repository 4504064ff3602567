"""``python -m tests.mobiles``: write the patterns of mobile numbers that the triggers go by.

They are libphonenumber's, by the countries of lambdas/triggers/countries.py. Run it after an
upgrade of phonenumbers; the tests say when.
"""

import json
from pathlib import Path

import phonenumbers
from phonenumbers import PhoneMetadata

PATH = Path(__file__).resolve().parent.parent / "lambdas" / "triggers" / "mobiles.json"
# Whose regions are countries of their own there; elsewhere the main one stands for all.
_APART = (1, 7)


def patterns() -> dict[str, str]:
    """Return by country what follows the calling code in its mobile numbers, as one expression."""
    found: dict[str, dict[str, None]] = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            metadata = PhoneMetadata.metadata_for_region(region)
            if metadata is None or metadata.mobile is None:
                continue
            if pattern := metadata.mobile.national_number_pattern:
                country = region if code in _APART else regions[0]
                found.setdefault(country, {})[pattern] = None
    return {country: "|".join(each) for country, each in sorted(found.items())}


def written() -> str:
    return json.dumps(patterns(), indent=0) + "\n"


if __name__ == "__main__":
    PATH.write_text(written(), encoding="utf-8")
