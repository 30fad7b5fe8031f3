"""``python -m sandbox``: see ``sandbox/README.md``."""

import sys

from .server import main

sys.exit(main())
