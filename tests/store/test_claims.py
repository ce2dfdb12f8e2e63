"""Claims read only what they lease, however much is pending."""

from sqlalchemy import create_engine

from router.store.bulk import SQLITE
from router.store.claims import Claims
from router.store.indexes import metadata


def test_messages_claimed_by_name_are_looked_up_by_their_keys() -> None:
    """Among 60,000 pending ones, reading these would keep the store from writing for 60 ms."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    names = ("rows", "now", "owner", "until", "arrives")
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {Claims(SQLITE)._these}", dict.fromkeys(names)
        )
        steps = [row[3] for row in plan]
    engine.dispose()
    searched = [step for step in steps if step.startswith("SEARCH outbox")]
    assert searched
    assert all("(incident_id=?" in step for step in searched)
