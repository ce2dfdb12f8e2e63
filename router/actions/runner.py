"""Runs what was approved: lease, run, settle. Never again by itself.

The lease is the request's own state, committed before anything is started, with a deadline: if the
process dies, the deadline says that the action may have run. So does a stop that cuts it off.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from router.actions.job import Action, ActionOutcome, Job
from router.actions.redact import Redactor
from router.core.incident.actions import find
from router.model.action import ActionRequest, ActionState, Ran
from router.model.event import ActionAnswered, ActionRan, ActionRequested
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import row
from router.ports.clock import Clock, spawn
from router.ports.errors import Overloaded, StoreUnavailable
from router.ports.services import Inbox
from router.ports.store import Store
from router.telemetry.logs import logger

log = logger(__name__)

HANG = 15.0
"""Seconds beyond its time-out after which an action is cut off, whatever it waits for."""

SETTLE_TRIES = 5
"""With waits of 1, 2, 4, 8 and 16 s, within what is left of the lease."""

CUT_OFF = ActionOutcome(ActionState.MAY_HAVE_RUN, b"the router was stopped while it ran")


class ActionRunner:
    """Takes requests and answers to the core, and runs what comes of them.

    `actions` may be replaced at any time.
    """

    def __init__(self, inbox: Inbox, store: Store, clock: Clock) -> None:
        self.actions: Mapping[str, tuple[Action, float]] = {}
        self.redactor = Redactor((), {})
        self._inbox = inbox
        self._store = store
        self._clock = clock
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, event: ActionRequested | ActionAnswered) -> Reason:
        """Raises: Overloaded, StoreUnavailable."""
        (reason,) = await self._inbox.submit([event])
        # Whoever is told of the step is the only one: it's the lease. The rest is on its own from
        # here.
        if Trait.RUNS_ACTION in row(reason).traits:
            spawn(self._work(event), f"action {event.incident_id}", self._running)
        return reason

    def shown(self, request: ActionRequest) -> Sequence[str]:
        found = self.actions.get(request.action)
        return [self.redactor.redact(line) for line in found[0].shown(request)] if found else []

    async def stop(self, grace: float) -> None:
        """Let what runs end within `grace` seconds, then cut it off, and say so."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _work(self, event: ActionRequested | ActionAnswered) -> None:
        try:
            job = await self._job(event)
            if job is None or job.request.state not in (ActionState.CHECKING, ActionState.RUNNING):
                return  # it waits for approval at once, or it's a guide
            started = self._clock.now()
            outcome = await self._run(job)
            ran = Ran(
                outcome.state,
                self.redactor.output(outcome.output),
                outcome.memo,
                self._clock.now() - started,
            )
            await self._settle(job, ran)
        except StoreUnavailable as error:
            # The lease runs out, and the timeline then says that it may have run.
            log.warning("action_unsettled", incident=event.incident_id, error=str(error))

    async def _job(self, event: ActionRequested | ActionAnswered) -> Job | None:
        incident = await self._store.incident(event.incident_id)
        assert incident is not None, "an incident is never deleted"
        if isinstance(event, ActionAnswered):
            request = find(incident, event.number)
        else:
            request = next((one for one in incident.actions if one.key == event.key), None)
        return Job(incident, request, find(incident, request.undoes)) if request else None

    async def _run(self, job: Job) -> ActionOutcome:
        found = self.actions.get(job.request.action)
        if found is None:
            return ActionOutcome(
                ActionState.FAILED, b"it isn't configured any more; nothing was run"
            )
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
        except asyncio.CancelledError:
            return CUT_OFF
        except Exception as error:
            log.exception("action_fault", action=job.request.action)
            return ActionOutcome(
                ActionState.MAY_HAVE_RUN, f"fault in the action: {type(error).__name__}".encode()
            )

    async def _settle(self, job: Job, ran: Ran) -> None:
        """Even while being stopped: an outcome that is known goes on record."""
        for tries in range(SETTLE_TRIES):
            event = ActionRan(self._clock.now(), job.incident.id, job.request.number, ran)
            try:
                await self._inbox.submit([event])
            except (Overloaded, StoreUnavailable) as error:
                log.warning("action_settling_waits", error=str(error))
                with suppress(asyncio.CancelledError):
                    await self._clock.sleep(2.0**tries)
            else:
                return
        raise StoreUnavailable("no settling of an action")
