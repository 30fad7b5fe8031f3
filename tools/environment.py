"""Everything that Odoo needs on this machine, made once and then only checked."""

from . import browser, odoo, odoo_source, postgres


def ensure(with_browser: bool = False) -> None:
    """Have Odoo, a running PostgreSQL and, if asked, a browser for its tests."""
    odoo_source.ensure()
    postgres.ensure()
    odoo.write_config()
    if with_browser:
        browser.ensure()
