"""Where things are: the checkout, and its private state below ``.odoo/``."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".odoo"

ADDON = "whatsapp_broadcast"
JOBS_ADDON = "whatsapp_broadcast_queue_job"
ADDONS = [ADDON, JOBS_ADDON]
APT = STATE / "apt"
DEBIAN = STATE / "debian"
BROWSER = STATE / "browser"
VENV = STATE / "venv"
OCA = STATE / "oca"
DATA = STATE / "data"
LOG = STATE / "log"
RUN = STATE / "run"
STAMPS = STATE / "stamps"

CHECKOUT_ID = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]


def make_state() -> None:
    """Create the folders below ``.odoo/`` that every command may write to."""
    for folder in (STATE, LOG, RUN, STAMPS):
        folder.mkdir(exist_ok=True)


def addon_folders() -> list[Path]:
    """Return the folders of the checkout that are Odoo addons."""
    return sorted(path.parent for path in ROOT.glob("*/__manifest__.py"))
