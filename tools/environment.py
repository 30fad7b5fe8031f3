"""Everything that Odoo needs on this machine, made once and then only checked."""

from . import browser, oca, odoo, odoo_source, postgres


def ensure(with_browser: bool = False, with_oca: bool = False) -> None:
    """Have Odoo and a running PostgreSQL; if asked, a browser and the OCA's addons."""
    odoo_source.ensure()
    postgres.ensure()
    if with_oca:
        oca.ensure()
    odoo.write_config()
    if with_browser:
        browser.ensure()
