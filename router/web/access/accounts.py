"""Users, sessions and tokens of a router, for the parts that sign people in."""

from collections.abc import Callable
from dataclasses import dataclass, field

from router.config.config_file import ConfigFile
from router.ports.clock import Clock
from router.ports.store import Store
from router.web.access.attempts import Attempts
from router.web.access.audit import AuditLog
from router.web.access.seals import Seals
from router.web.access.sessions import Sessions
from router.web.access.tokens import Tokens
from router.web.access.users import Users


@dataclass(slots=True)
class Accounts:
    """Access to everything that signing in needs: store, clock and current config."""

    store: Store
    clock: Clock
    config_file: Callable[[], ConfigFile]
    seals: Seals = field(init=False)
    users: Users = field(init=False)
    sessions: Sessions = field(init=False)
    tokens: Tokens = field(init=False)
    attempts: Attempts = field(init=False)
    audit: AuditLog = field(init=False)

    def __post_init__(self) -> None:
        store, clock, config = self.store, self.clock, self.config_file
        self.seals = Seals(store, clock)
        self.users = Users(store, clock, self.seals, other_admins=lambda: config().auth.has_admins)
        self.sessions = Sessions(store, clock, self.seals, lambda: config().auth.sessions)
        self.tokens = Tokens(store, clock)
        self.attempts = Attempts(clock)
        self.audit = AuditLog(store, clock)
