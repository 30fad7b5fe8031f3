"""Fixtures for tests with real Odoo processes."""

import pytest


@pytest.fixture
def odoo_env():
    """A :class:`tools.testbed.Testbed`: databases, servers, a sandbox, a shell."""
    from tools.testbed import Testbed

    testbed = Testbed()
    yield testbed
    testbed.close()
