"""Encryption of secrets at rest, with keys that no database dump contains."""

import os
from configparser import RawConfigParser
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from odoo.exceptions import UserError
from odoo.tools import config

ENVIRONMENT_VARIABLE = "WHATSAPP_BROADCAST_KEYS"
CONFIG_SECTION = "whatsapp_broadcast"


def keys_are_set():
    """Tell whether at least one key is configured."""
    return bool(_configured_keys())


def encrypt(env, plain):
    """Return ``plain`` encrypted with the first key; UserError without a key."""
    return _fernet(env).encrypt(plain.encode()).decode()


def decrypt(env, encrypted):
    """Return the text behind ``encrypted``; UserError if no key opens it."""
    try:
        return _fernet(env).decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise UserError(
            env._(
                "A stored WhatsApp secret cannot be opened with the configured keys. "
                "Restore the key it was saved with in %s, or enter the secret again.",
                ENVIRONMENT_VARIABLE,
            )
        ) from None


def store(records, name):
    """Encrypt what was written to field ``name`` and forget it: no read returns it.

    For the inverse of a computed field whose value is kept in ``<name>_encrypted``. A
    plain compute and inverse keeps the typed value in the cache, and the answer of the
    same ``web_save`` would show it.
    """
    encrypted = f"{name}_encrypted"
    for record in records:
        plain = (record[name] or "").strip()
        record.sudo()[encrypted] = encrypt(record.env, plain) if plain else False
    records.flush_recordset([encrypted])
    records.invalidate_recordset([name, encrypted])


def _fernet(env):
    keys = _configured_keys()
    if not keys:
        raise UserError(
            env._(
                "No encryption key is configured, so the secret was not saved. Make "
                "one with python3 -c 'from cryptography.fernet import Fernet; "
                "print(Fernet.generate_key().decode())' and set it as the environment "
                "variable %s of the Odoo server.",
                ENVIRONMENT_VARIABLE,
            )
        )
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise UserError(
            env._("A key in %s is not a Fernet key.", ENVIRONMENT_VARIABLE)
        ) from None


def _configured_keys():
    text = os.environ.get(ENVIRONMENT_VARIABLE) or _keys_in_file(config["config"])
    return [key.strip() for key in text.split(",") if key.strip()]


@lru_cache(maxsize=1)
def _keys_in_file(path):
    """Read our own section; Odoo's configuration keeps only ``[options]``."""
    parser = RawConfigParser()
    parser.read(path or [])
    return parser.get(CONFIG_SECTION, "keys", fallback="")
