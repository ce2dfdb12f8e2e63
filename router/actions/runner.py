"""Run approved actions from outbox rows, never the same row twice.

The claim of a row is committed before anything is started. If the process dies after that, the next
claim finds the row's lease, so it doesn't run the action again, but reports that it may have run. A
router that stops during a run reports the same; if it can't, the request's deadline does.
"""

import asyncio
from collections.abc import Mapping, Sequence

from router.actions.job import Action, ActionOutcome, Job
from router.actions.redact import Redactor
from router.core.incident.actions import find
from router.model.action import ActionRequest, ActionState, Ran
from router.model.event import ActionAnswered, ActionRan, ActionRequested
from router.model.notification import Notification, Sent
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.services import Inbox, Performed
from router.ports.store import Store
from router.telemetry.logs import logger

log = logger(__name__)

HANG = 15.0
"""Seconds after its timeout at which an action is cancelled."""

CUT_OFF = ActionOutcome(ActionState.MAY_HAVE_RUN, b"the router was stopped while it ran")


class ActionRunner:
    """Passes requests and approvals to the core, and runs the actions of outbox rows.

    `actions` may be replaced at any time.
    """

    def __init__(self, inbox: Inbox, store: Store, clock: Clock) -> None:
        self.actions: Mapping[str, tuple[Action, float]] = {}
        self.redactor = Redactor((), {})
        self._inbox = inbox
        self._store = store
        self._clock = clock

    async def submit(self, event: ActionRequested | ActionAnswered) -> Reason:
        """Raises: Overloaded, StoreUnavailable."""
        (reason,) = await self._inbox.submit([event])
        return reason

    def shown(self, request: ActionRequest) -> Sequence[str]:
        found = self.actions.get(request.action)
        return [self.redactor.redact(line) for line in found[0].shown(request)] if found else []

    async def __call__(self, row: Notification) -> Performed:
        """Run the row's request if it's still waiting. A `router.ports.services.Performer`."""
        job = await self._job(row)
        if job is None:
            return Performed(Sent(silent=True))
        started = self._clock.now()
        outcome = CUT_OFF if row.attempts else await self._run(job)
        now = self._clock.now()
        ran = Ran(outcome.state, self.redactor.output(outcome.output), outcome.memo, now - started)
        return Performed(Sent(), (ActionRan(now, job.incident.id, job.request.number, ran),))

    async def _job(self, row: Notification) -> Job | None:
        incident = await self._store.incident(row.incident_id)
        assert incident is not None, "an incident is never deleted"
        number, _, state = row.subject.partition(" ")
        request = find(incident, int(number))
        if request is None or request.state != state or request.until <= self._clock.now():
            return None
        return Job(incident, request, find(incident, request.undoes))

    async def _run(self, job: Job) -> ActionOutcome:
        found = self.actions.get(job.request.action)
        if found is None:
            return ActionOutcome(ActionState.FAILED, b"it is no longer configured; nothing was run")
        action, seconds = found
        if job.request.state is ActionState.CHECKING:
            work = action.check
        else:
            work = action.undo if job.request.undoes else action.run
        try:
            async with asyncio.timeout(seconds + HANG):
                return await work(job)
        except TimeoutError:
            return ActionOutcome(ActionState.TIMED_OUT, b"cut off")
        except asyncio.CancelledError:  # the router stops: record the known outcome first
            return CUT_OFF
        except Exception as error:
            log.exception("action_fault", action=job.request.action)
            return ActionOutcome(
                ActionState.MAY_HAVE_RUN, f"fault in the action: {type(error).__name__}".encode()
            )
