"""What ``make`` calls: the environment below ``.odoo/``, its servers, tests, demo.

What runs before the virtual environment exists (``layout``, ``console``, ``stamps``,
``machine``, ``venv``) or without it (``processes``, ``cluster``, ``service``) imports
nothing but the standard library.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036
    sys.exit("Python 3.10 or newer is needed: make … PYTHON=python3.10")
