"""Calls to a provider beside sending, as models make them."""

from odoo.exceptions import UserError

from ..providers import ErrorClass, ProviderError, TransportError, Unsupported
from ..providers.transport import Transport

#: Refusals of a management call that may pass by themselves.
PASSING = (ErrorClass.RETRY, ErrorClass.THROTTLE, ErrorClass.DOUBT)


class Unreachable(UserError):
    """The provider gave no answer, or none that will last: try again later."""


class Management:
    """Opens a transport for a few management calls and words their failures."""

    def __init__(self, account):
        self.account = account
        self.transport = Transport(threads=1, read_timeout=30)

    def __enter__(self):
        return self.account._provider(), self.transport

    def __exit__(self, _kind, error, _traceback):
        self.transport.close()
        env = self.account.env
        if isinstance(error, Unsupported):
            raise UserError(str(error)) from None
        if isinstance(error, ProviderError):
            passes = error.error.error_class in PASSING
            raise (Unreachable if passes else UserError)(
                env._(
                    "%(account)s: the provider refused (%(code)s): %(message)s",
                    account=self.account.name,
                    code=error.error.code,
                    message=error.error.message,
                )
            ) from None
        if isinstance(error, TransportError):
            raise Unreachable(
                env._(
                    "%(account)s: no answer from %(url)s (%(reason)s). Check the API "
                    "URL and the server's way out to the internet, then try again.",
                    account=self.account.name,
                    url=self.account.api_url,
                    reason=error.reason,
                )
            ) from None
