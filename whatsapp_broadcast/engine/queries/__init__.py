"""Every statement of the engine, one module a role. ``%(name)s`` are parameters.

Conventions: times are naive UTC of the database's clock; claims read ``FOR UPDATE SKIP
LOCKED`` inside a materialised CTE, without which the planner may lock more rows than
the limit says.
"""

from .addresses import *
from .audience import *
from .claim import *
from .clicks import *
from .clock import *
from .consents import *
from .conversations import *
from .copies import *
from .costs import *
from .course import *
from .daily import *
from .events import *
from .lanes import *
from .limiter import *
from .lists import *
from .messages import *
from .news import *
from .notices import *
from .pasted import *
from .pauses import *
from .people import *
from .permissions import *
from .places import *
from .prefixes import *
from .recent import *
from .report import *
from .results import *
from .statuses import *
from .subjects import *
from .table import *
from .talks import *
from .variants import *
from .windows import *
