"""Typed settings of what pages say and show of the site: a part of ``conf``."""

from django.conf import settings


class PagesConf:
    """One property for each setting."""

    @property
    def site_name(self) -> str:
        """The name of the site on its pages."""
        return str(settings.SITE_NAME)

    @property
    def site_contact(self) -> str:
        """The contact of the people who run the site: an e-mail address, a page, or ""."""
        return str(settings.SITE_CONTACT)

    @property
    def site_phone(self) -> str:
        """The phone of those who help people to sign in, as it is read out."""
        return str(settings.SITE_PHONE)

    @property
    def site_privacy_url(self) -> str:
        """The page that says what becomes of people's data."""
        return str(settings.SITE_PRIVACY_URL)

    @property
    def site_terms_url(self) -> str:
        """The page of the terms of use."""
        return str(settings.SITE_TERMS_URL)

    @property
    def site_logo(self) -> str:
        """A static file: the picture next to the name, and the icon of the browser's tab."""
        return str(settings.SITE_LOGO)

    @property
    def site_color(self) -> str:
        """The colour of buttons and links (#0b57d0), or "" for the stylesheet's own."""
        return str(settings.SITE_COLOR)

    @property
    def site_color_dark(self) -> str:
        """The same in the dark theme, or "" for one made of the light theme's."""
        return str(settings.SITE_COLOR_DARK)
