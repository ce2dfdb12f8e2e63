"""The post-mortem and its action items over the API of a whole router."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon, alert
from tests.senders.github.test_sender import TOKEN, GitHub
from tests.senders.kit import Peer

Router = Callable[..., Daemon]
PATH = "/api/v1/incidents/1/postmortem"
ITEMS = "/api/v1/incidents/1/items"
DAY = 86_400
WRITTEN = {"summary": "The pool ran dry.", "root_cause": "A leak.", "users_affected": "1,200"}


async def over(daemon: Daemon) -> None:
    """An incident of ten minutes."""
    await daemon.alert(alert())
    await post(daemon, "/api/v1/incidents/1/ack")
    await daemon.clock.settle(lambda: quiet(daemon), "all is sent")  # type: ignore[attr-defined]
    await daemon.clock.advance(600)  # type: ignore[attr-defined]
    await daemon.alert(alert(status="resolved"))
    await daemon.clock.settle(lambda: quiet(daemon), "all is sent")  # type: ignore[attr-defined]


async def quiet(daemon: Daemon) -> bool:
    """Deliveries are on the timeline as well."""
    return not (await daemon.get("/api/v1/notifications?state=pending")).json["notifications"]


async def post(daemon: Daemon, path: str, body: object = None, **headers: str) -> Answer:
    return await daemon.ask(
        "POST", path, json=body or {}, headers={"X-Router-User": "ana", **headers}
    )


async def put(daemon: Daemon, version: int | None, **written: str) -> Answer:
    headers = {"X-Router-User": "ben"} | ({} if version is None else {"If-Match": f'"{version}"'})
    return await daemon.ask("PUT", PATH, json=written, headers=headers)


async def notified(daemon: Daemon, reason: str) -> list[str]:
    """The channels whose last message was for that, and has gone out."""
    found = (await daemon.get("/api/v1/notifications")).json["notifications"]
    return [row["channel"] for row in found if row["reason"] == reason and row["state"] == "sent"]


async def test_its_made_of_the_incident(router: Router, clock: SteppedClock) -> None:
    """Before anybody has written a word: by the company's clock, with what is due."""
    async with router(clock=clock, company={"time_zone": "Europe/Berlin"}) as daemon:
        await over(daemon)
        answer = await daemon.get(PATH)
        assert (answer.status, answer.headers["ETag"]) == (200, '"0"')
        shown = answer.json
        assert (shown["incident"], shown["version"], shown["file"]) == (
            "INC-1",
            0,
            "2026-02-02-INC-1.md",
        )
        assert (shown["due_at"], shown["overdue"], shown["shared_at"]) == (
            "2026-02-04T02:50:00.000Z",
            False,
            None,
        )
        assert shown["durations"] == {
            "detect": 600.0,
            "acknowledge": 0.0,
            "mitigate": None,
            "resolve": 600.0,
        }
        assert "- 03:40 - Incident detected: PaymentFailures at 2.3%" in shown["markdown"]
        raw = await daemon.get(PATH, headers={"Accept": "text/markdown"})
        assert raw.headers["Content-Type"].startswith("text/markdown")
        assert raw.body.decode() == shown["markdown"]
        assert (await daemon.get("/api/v1/incidents/7/postmortem")).status == 404


async def test_what_people_write_is_kept_over_what_goes_on(
    router: Router, clock: SteppedClock
) -> None:
    """A later note is on the timeline, and their words are still there; who wrote is on record."""
    async with router(clock=clock) as daemon:
        await over(daemon)
        first = await put(daemon, 0, **WRITTEN)
        assert (first.status, first.headers["ETag"]) == (200, '"1"')
        await post(daemon, "/api/v1/incidents/1/note", {"text": "the pool was 10"})
        shown = (await daemon.get(PATH)).json
        blank = dict.fromkeys(shown["written"], "")
        assert shown["written"] == {**blank, **WRITTEN, "extra": []}
        assert "## Summary\n\nThe pool ran dry.\n" in shown["markdown"]
        assert "the pool was 10 (ana)" in shown["markdown"]
        entries = (await daemon.get("/api/v1/incidents/1")).json["timeline"]
        assert ("postmortem_written", "ben") in [(entry["what"], entry["by"]) for entry in entries]


async def test_nobody_overwrites_what_they_havent_seen(router: Router, clock: SteppedClock) -> None:
    """A write says which version it replaces; the second of two for the same one is refused, and
    has no effect.
    """
    async with router(clock=clock) as daemon:
        await over(daemon)
        assert (await put(daemon, None, **WRITTEN)).status == 428
        assert (await put(daemon, 0, **WRITTEN)).status == 200
        for version in (0, 2):
            refused = await put(daemon, version, summary="mine")
            assert (refused.status, refused.headers["Content-Type"]) == (
                412,
                "application/problem+json",
            )
        assert (await daemon.get(PATH)).json["written"]["summary"] == WRITTEN["summary"]
        assert (await put(daemon, 1, summary="mine")).json["version"] == 2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"summry": "x"}, ""),
        ({"summary": "x" * 20_001}, "#/summary"),
        ({"revenue": 5}, "#/revenue"),
    ],
)
async def test_what_cant_be_is_refused(
    router: Router, clock: SteppedClock, body: Any, pointer: str
) -> None:
    async with router(clock=clock) as daemon:
        await over(daemon)
        refused = await daemon.ask("PUT", PATH, json=body, headers={"If-Match": "0"})
        assert refused.status == 400
        assert refused.json["errors"][0]["pointer"].startswith(pointer or "#")


async def test_its_lead_is_told_until_its_shared(router: Router, clock: SteppedClock) -> None:
    """Through timers and the outbox of a running router; sharing goes to the channels that are for
    it, and ends it.
    """
    hook = {"type": "console"}
    shares = {"share": ["channel:news"], "owners": ["channel:leads"]}
    channels = {"log": {"type": "console"}, "news": hook, "leads": hook}
    async with router(clock=clock, channels=channels, postmortems=shares) as daemon:
        await daemon.alert(alert())
        assert (await post(daemon, f"{PATH}/share")).status == 409
        await daemon.alert(alert(status="resolved"))
        await clock.advance(DAY + 2)
        await clock.settle(lambda: reached(daemon, "leads", "postmortem_reminded"), step=1)
        await clock.advance(DAY)
        await clock.settle(lambda: reached(daemon, "leads", "postmortem_overdue"), step=1)
        assert (await daemon.get(PATH)).json["overdue"] is True
        await put(daemon, 0, **WRITTEN)
        shared = await post(daemon, f"{PATH}/share")
        assert (shared.status, shared.json["outcome"]) == (200, "postmortem_shared")
        await clock.settle(lambda: reached(daemon, "news", "postmortem_shared"), step=1)
        shown = (await daemon.get(PATH)).json
        assert (shown["due_at"], shown["overdue"]) == (None, False)
        texts = [
            entry["text"] for entry in (await daemon.get("/api/v1/incidents/1")).json["timeline"]
        ]
        assert "Post-mortem shared by ana: The pool ran dry." in texts


async def reached(daemon: Daemon, channel: str, reason: str) -> bool:
    return channel in await notified(daemon, reason)


async def test_the_chart(router: Router, clock: SteppedClock) -> None:
    async with router(clock=clock) as daemon:
        await over(daemon)
        answer = await daemon.get(f"{PATH}.svg")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")
        for word in ("investigating", "unnoticed", "people", "acknowledged"):
            assert word in answer.body.decode()


# --- action items


async def test_items_are_added_changed_and_done(router: Router, clock: SteppedClock) -> None:
    """An item has its author and is due on a day in the company's time zone; they're in the
    document.
    """
    async with router(clock=clock, company={"time_zone": "Europe/Berlin"}) as daemon:
        await over(daemon)
        wanted = {"text": "Add an index", "owner": "ben", "due": "2026-03-01"}
        added = await post(daemon, ITEMS, wanted, **{"Idempotency-Key": "k1"})
        assert (added.status, added.json["outcome"]) == (201, "item_added")
        assert added.json["item"]["due_at"] == "2026-03-01T16:00:00.000Z"
        again = await post(daemon, ITEMS, wanted, **{"Idempotency-Key": "k1"})
        assert (again.status, again.json["outcome"]) == (200, "already_done")
        mine = (await post(daemon, ITEMS, {"text": "Alert\nearlier"})).json["item"]
        assert (mine["number"], mine["text"], mine["owner"]) == (2, "Alert earlier", "ana")
        assert mine["due_at"] == "2026-02-16T02:50:00.000Z"
        changed = await post(daemon, f"{ITEMS}/1", {"owner": "cleo"})
        assert (changed.json["outcome"], changed.json["item"]["owner"]) == ("item_changed", "cleo")
        assert (await post(daemon, f"{ITEMS}/1", {"done": True})).json["outcome"] == "item_done"
        assert (await post(daemon, f"{ITEMS}/1", {"done": True})).json["outcome"] == "already_done"
        shown = (await daemon.get(ITEMS)).json["items"]
        assert [(row["number"], row["done"], row["overdue"]) for row in shown] == [
            (1, True, False),
            (2, False, False),
        ]
        assert (
            "1. [x] Add an index - cleo - 2026-03-01" in (await daemon.get(PATH)).json["markdown"]
        )


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (ITEMS, {"owner": "ben"}, 400),
        (ITEMS, {"text": "x" * 301}, 400),
        (ITEMS, {"text": "x", "due": "tomorrow"}, 400),
        (f"{ITEMS}/9", {"done": True}, 404),
    ],
)
async def test_items_that_cant_be(
    router: Router, clock: SteppedClock, path: str, body: Any, status: int
) -> None:
    async with router(clock=clock) as daemon:
        await over(daemon)
        assert (await post(daemon, path, body)).status == status


async def test_items_are_filed_where_the_config_says(router: Router, clock: SteppedClock) -> None:
    """The running router sends each change of an item to the channel with its ticket."""
    github = GitHub()
    async with Peer(answer=github) as peer:
        tickets = {
            "type": "github",
            "token": TOKEN,
            "repository": "acme/ops",
            "labels": ["incident"],
            "assignees": ["ana"],
            "items": True,
            "api_url": peer.url,
        }
        async with router(
            clock=clock, channels={"log": {"type": "console"}, "tickets": tickets}
        ) as daemon:
            await over(daemon)
            assert github.issues == {}
            await post(daemon, ITEMS, {"text": "Add an index", "owner": "ben"})
            await clock.settle(lambda: len(github.issues) == 2, "it's filed", step=0.5)
            assert github.issues[2]["title"] == "[INC-1] Add an index"
            await post(daemon, f"{ITEMS}/1", {"done": True})
            await clock.settle(
                lambda: github.issues[2]["state"] == "closed", "it's closed", step=0.5
            )


async def put_markdown(daemon: Daemon, version: int, text: str) -> Answer:
    headers = {"If-Match": f'"{version}"', "Content-Type": "text/markdown", "X-Router-User": "ben"}
    return await daemon.ask("PUT", PATH, data=text.encode(), headers=headers)


async def test_markdown_goes_out_and_comes_back(router: Router, clock: SteppedClock) -> None:
    """A person's own heading is kept, also by a later write that doesn't contain it."""
    async with router(clock=clock) as daemon:
        await over(daemon)
        markdown = (await daemon.get(PATH, headers={"Accept": "text/markdown"})).body.decode()
        hint = "*Brief summary of what happened: to be written*"
        text = markdown.replace(hint, "The pool ran dry.") + "\n## Decisions\n\nWe waited.\n"
        saved = await put_markdown(daemon, 0, text)
        assert (saved.status, saved.json["written"]["summary"]) == (200, "The pool ran dry.")
        assert saved.json["written"]["extra"] == [{"title": "Decisions", "text": "We waited."}]
        await put(daemon, 1, summary="Another.")
        now = (await daemon.get(PATH)).json
        assert now["written"]["extra"] == [{"title": "Decisions", "text": "We waited."}]
        assert "## Decisions\n\nWe waited." in now["markdown"]


async def test_markdown_that_cannot_be_kept_is_refused(router: Router, clock: SteppedClock) -> None:
    """With the lines, and nothing is written."""
    async with router(clock=clock) as daemon:
        await over(daemon)
        markdown = (await daemon.get(PATH)).json["markdown"]
        text = markdown.replace("## Durations", "- 02:59 - I had a tea.\n\n## Durations")
        answer = await put_markdown(daemon, 0, text)
        assert answer.status == 422
        (error,) = answer.json["errors"]
        assert "'- 02:59 - I had a tea.'" in error["detail"]
        assert (await daemon.get(PATH)).json["version"] == 0


async def test_an_empty_one_is_not_shared(router: Router, clock: SteppedClock) -> None:
    async with router(clock=clock) as daemon:
        await over(daemon)
        answer = await post(daemon, f"{PATH}/share")
        assert (answer.status, "is empty" in answer.json["detail"]) == (409, True)
        await put(daemon, 0, summary="The pool ran dry.")
        assert (await post(daemon, f"{PATH}/share")).status == 200


async def test_one_is_waived_with_a_reason(router: Router, clock: SteppedClock) -> None:
    """Nothing is due then, and the timeline has the reason."""
    async with router(clock=clock) as daemon:
        await daemon.alert(alert())
        early = await post(daemon, f"{PATH}/waive", {"text": "same as INC-0"})
        assert early.status == 409
        await over(daemon)
        assert (await post(daemon, f"{PATH}/waive", {"text": ""})).status == 400
        answer = await post(daemon, f"{PATH}/waive", {"text": "same as INC-0"})
        assert answer.json == {"outcome": "postmortem_waived"}
        assert (await daemon.get(PATH)).json["due_at"] is None
        timeline = (await daemon.get("/api/v1/incidents/1")).json["timeline"]
        assert "Post-mortem waived by ana: same as INC-0" in [entry["text"] for entry in timeline]
        again = await post(daemon, f"{PATH}/waive", {"text": "again"})
        assert again.json == {"outcome": "already_done"}
