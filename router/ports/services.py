"""Services of the engine that the web layer and the receivers call."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from router.chart import ImageFormat
from router.core.drill.progress import DrillTimeline, ExpectationOutcome
from router.core.messages.context_links import Window
from router.model.action import ActionRequest
from router.model.deployment import Deployment
from router.model.difference import Reconciliation
from router.model.drill import Drill, DrillPlan, Tick
from router.model.event import ActionAnswered, ActionRequested, Event
from router.model.incident import Incident
from router.model.notification import Notification, Result
from router.model.reason import Reason


class Performed(Struct, frozen=True):
    """The result of an outbox row that isn't an incident message, with events to commit."""

    result: Result
    events: Sequence[Event] = ()


class Performer(Protocol):
    """Processes outbox rows of one kind."""

    async def __call__(self, row: Notification) -> Performed:
        """Raises: StoreUnavailable; then the row is claimed again after its lease."""
        ...


class Charts(Protocol):
    """Charts of the metric behind an incident. Concurrent requests share one drawing."""

    def there(self, incident: Incident) -> bool:
        """Report whether the incident has a query that can be charted."""
        ...

    async def draw(
        self, incident: Incident, seen: Window, form: ImageFormat, zone: str = ""
    ) -> bytes:
        """Draw with times in `zone`, or the company's time zone if it's empty. Raises: NoChart."""
        ...


class DeploymentRecorder(Protocol):
    """Storage of deployments; links each one to the incidents it may have caused."""

    async def record(self, reported: Deployment) -> tuple[Reason, Deployment]:
        """Commit a deployment. Return the reason decided and the stored deployment.

        Raises: Overloaded, StoreUnavailable.
        """
        ...


@runtime_checkable
class Verifying(Protocol):
    """A sender that can check its credentials and addresses without sending a message."""

    async def verify(self) -> str | Result:
        """Describe the account found, or return a `Result` with the reason. Never raises."""
        ...


class Inbox(Protocol):
    """The single entry point for events."""

    async def submit(self, events: Sequence[Event]) -> Sequence[Reason]:
        """Decide and commit events. Return the reason decided for each event, in order.

        Raises: Overloaded, StoreUnavailable. Then the caller must not answer 2xx.
        """
        ...


class ActionService(Protocol):
    """Requests for actions, and their approval. An approved action runs once."""

    async def submit(self, event: ActionRequested | ActionAnswered) -> Reason:
        """Commit the event and return the reason decided. Raises: Overloaded, StoreUnavailable."""
        ...

    def shown(self, request: ActionRequest) -> Sequence[str]:
        """List what would run under the present config, one line per argument or step.

        Secrets are left out.
        """
        ...


class DrillView(Struct, frozen=True):
    """A drill with its events so far and the outcome of each expectation."""

    drill: Drill
    timeline: DrillTimeline
    outcomes: Sequence[ExpectationOutcome]


class DrillService(Protocol):
    """Drills. A started drill is on disk and survives restarts until it ends.

    All methods raise StoreUnavailable.
    """

    async def start(self, plan: DrillPlan, by: str, drill_id: str = "") -> Drill | None:
        """Start a drill. Return None if the drill is already running or its id is taken."""
        ...

    async def stop(self, drill_id: str, by: str) -> bool:
        """Stop a drill. Return False if there is no running drill with this id."""
        ...

    async def tick(self, drill_id: str, tick: Tick) -> Drill | None:
        """Tick off a manual expectation. Return the drill, or None if the id is unknown.

        Raises: ValueError if the expectation cannot be ticked off.
        """
        ...

    async def seen(self, drill_id: str) -> DrillView | None: ...

    async def drills(self) -> Sequence[Drill]:
        """List drills, newest first."""
        ...


class ReconciliationService(Protocol):
    """The comparison with other services. All methods raise StoreUnavailable."""

    async def last(self) -> Reconciliation | None:
        """Return the result of the last comparison."""
        ...

    async def compare(self) -> Reconciliation:
        """Compare now, and repair. Raises: Overloaded."""
        ...
