"""The duties by which people are notified, kept with the decision."""

from router.core.oncall.duty import Duty, duties, read, recorded
from router.core.oncall.recipients import People
from router.core.oncall.rotation import Rotate
from router.core.oncall.schedule import Override
from tests.core.oncall.test_schedule import MON, rotation, schedule
from tests.world import NOW

WEEKLY = rotation(Rotate.WEEKLY, "09:00", "ana", "ben", day=MON)


def test_each_target_with_its_recipients() -> None:
    """A layer of a schedule, the contacts of a role; a channel has no duty."""
    people = People({"ana": (), "ben": ()}, {"cto": ("ben", "ana")}, {"primary": schedule(WEEKLY)})
    on = people.people("schedule:primary", NOW)[0]
    assert list(duties(people, ("slack", "schedule:primary", "role:cto"), NOW)) == [
        Duty("schedule:primary", on, 1), Duty("role:cto", "ben"), Duty("role:cto", "ana"),
    ]  # fmt: skip


def test_what_is_recorded_is_read_back() -> None:
    """Including the active override."""
    override = Override("ben", NOW - 60, NOW + 60, "ana")
    people = People({"ana": (), "ben": ()}, {}, {"primary": schedule(WEEKLY, overrides=[override])})
    found = read(recorded(people, ("schedule:primary",), NOW))
    assert found == tuple(duties(people, ("schedule:primary",), NOW))
    assert read(None) == ()
