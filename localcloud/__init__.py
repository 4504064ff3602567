"""A local AWS for development and tests: MiniStack, with lambdas/template.yaml deployed into it.

    emulator   starts and stops the emulator's process
    messaging  takes calls and WhatsApp messages, which the emulator does not know
    stack      deploys the template, the same one as in production, and reads what came of it
    cloud      both together, and the environment that the site needs
    preflight  what stands in the way of a make target, before anything is installed
    with_parent  lets a program end with the process that started it, however that ends
    __main__   ``python -m localcloud``: emulator, site and inbox until Ctrl-C
    warm_up    the first call of each trigger, which takes long
    unsent     which texts did not leave, for the console of make run
    example    ``python -m localcloud.example``: the pages of examples/spa, as a site of their own
    inbox      the phone-shaped page with the texts, mounted by the site in local mode only

Nothing here runs in production, and nothing of the site's is imported.
"""


class LocalCloudError(Exception):
    """The local AWS could not be had. The message is one line for the person at the terminal."""
