"""Services that the web layer and the receivers call."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from router.chart import ImageFormat
from router.core.drill.course import ExpectationOutcome, Scene
from router.core.messages.context_links import Window
from router.model.action import ActionRequest
from router.model.deployment import Deployment
from router.model.drill import Drill, DrillPlan, Tick
from router.model.event import ActionAnswered, ActionRequested, Event
from router.model.incident import Incident
from router.model.reason import Reason


class Charts(Protocol):
    """Draws what an incident's alert measured, in the background and once for all who ask."""

    def there(self, incident: Incident) -> bool:
        """Is there anything to draw?"""
        ...

    async def draw(self, incident: Incident, seen: Window, form: ImageFormat) -> bytes:
        """Raises: NoChart."""
        ...


class DeploymentRecorder(Protocol):
    """Keeps deployments, and tells the incidents that one may have caused."""

    async def record(self, told: Deployment) -> tuple[Reason, Deployment]:
        """What became of it, and the deployment as it's known now; on disk when this returns.

        Raises: Overloaded, StoreUnavailable.
        """
        ...


class Inbox(Protocol):
    """The one door: events go in, and when this returns their effects are committed."""

    async def submit(self, events: Sequence[Event]) -> Sequence[Reason]:
        """The reason decided for each event, in order.

        Raises: Overloaded, StoreUnavailable. Then the caller must not answer 2xx.
        """
        ...


class ActionService(Protocol):
    """Where actions are asked for and approved.

    What is approved it runs, once, and reports what came of it.
    """

    async def submit(self, event: ActionRequested | ActionAnswered) -> Reason:
        """The reason decided, committed. Raises: Overloaded, StoreUnavailable."""
        ...

    def shown(self, request: ActionRequest) -> Sequence[str]:
        """What would be run, a line for each argument or step, as it's configured now; without
        secrets.
        """
        ...


class DrillView(Struct, frozen=True):
    """A drill, what came of it, and how each of its expectations stands."""

    drill: Drill
    scene: Scene
    outcomes: Sequence[ExpectationOutcome]


class DrillService(Protocol):
    """Where drills are held. What is started is on disk, and goes on whatever is restarted, until
    it ends by itself.

    All raise StoreUnavailable.
    """

    async def start(self, plan: DrillPlan, by: str, drill_id: str = "") -> Drill | None:
        """None: one of that name is running, or there was one with that id already."""
        ...

    async def stop(self, drill_id: str, by: str) -> bool:
        """False: it had ended already, or there's none."""
        ...

    async def tick(self, drill_id: str, tick: Tick) -> Drill | None:
        """The drill since; None if there's none of that id.

        Raises: ValueError, if that can't be ticked off.
        """
        ...

    async def seen(self, drill_id: str) -> DrillView | None: ...

    async def drills(self) -> Sequence[Drill]:
        """The newest first."""
        ...
