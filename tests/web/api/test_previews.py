"""From a draft to the public: shown to responders, edited, approved; and mailed to customers over
real SMTP, once.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.cli.test_incidents import SILENT, run
from tests.daemon import RULES, Daemon, alert
from tests.senders.test_mail import Relay, running
from tests.web.api.test_incidents import AUTH, bearer
from tests.web.pages.test_incident import basic, send, text

Router = Callable[..., Daemon]

PAYMENTS = [RULES[0] | {"component": "payments"}, RULES[1]]
PAGE = {"components": [{"name": "payments", "title": "Card payments"}]}
COMPANY = {"name": "VintStreet", "support_email": "support@example.com"}
CUSTOMERS = {"customers": "channel:list"}


def channels(port: int = 1) -> dict[str, Any]:
    smtp = {"host": "127.0.0.1", "port": port, "starttls": False}
    to = ["users@example.com", "partners@example.com"]
    return SILENT | {"list": {"type": "email", "smtp": smtp, "from": "v@example.com", "to": to}}


def public(router: Router, port: int = 1, **changes: Any) -> Daemon:
    """A router with a page, customers, and a rule whose incidents customers feel."""
    daemon = router(
        status_page=PAGE,
        communication=CUSTOMERS,
        company=COMPANY,
        channels=channels(port),
        **changes,
    )
    (daemon.path.parent / "rules.yaml").write_text(yaml.safe_dump({"rules": PAYMENTS}))
    return daemon


async def drafts(daemon: Daemon, query: str = "") -> dict[str, Any]:
    found = (await daemon.get(f"/api/v1/incidents/1/drafts{query}")).json["drafts"]
    return {draft["template"]: draft for draft in found}


async def test_all_drafts_are_of_the_incident_as_it_is(router: Router) -> None:
    async with public(router) as daemon:
        await daemon.alert(alert())
        found = await drafts(daemon)
        assert list(found) == ["internal", "stakeholder-email", "status-update"]
        update = found["status-update"]
        assert (update["subject"], update["approved_by"], update["waits"]) == (
            "Card payments issues",
            "publish",
            True,
        )
        assert update["text"].startswith(
            "We are currently investigating reports of problems with Card payments."
        )
        await daemon.ask("POST", "/api/v1/incidents/1/resolve", json={})
        found = await drafts(daemon, "?zone=Asia/Tokyo")
        assert "JST" in found["customer-email"]["text"]
        assert found["customer-email"]["waits"]
        assert (await daemon.get("/api/v1/incidents/1/drafts?zone=Mars")).status == 400


async def test_the_page_has_the_drafts_to_edit_and_publish(router: Router) -> None:
    """Nothing is public before the button is pressed; then it's what was in the form."""
    async with public(router) as daemon:
        await daemon.alert(alert())
        page = text(await daemon.get("/incidents/1"))
        assert 'action="/incidents/1/publish"' in page
        assert "problems with Card payments" in page
        assert (await daemon.get("/status/api/v2/incidents.json")).json["incidents"] == []
        answer = await send(
            daemon, "/incidents/1/publish", title="Cards fail", text="Some cards\r\nfail.", by="Ana"
        )
        assert answer.headers["Location"] == "/incidents/1"
        (shown,) = (await daemon.get("/status/api/v2/incidents.json")).json["incidents"]
        assert (shown["name"], shown["incident_updates"][0]["body"]) == (
            "Cards fail",
            "Some cards\nfail.",
        )
        assert "Published as “Cards fail”" in text(await daemon.get("/incidents/1"))


async def test_status_and_lead_are_set_on_the_page(router: Router) -> None:
    async with public(router) as daemon:
        await daemon.alert(alert())
        assert 'action="/incidents/1/assign"' in text(await daemon.get("/incidents/1"))
        await send(
            daemon, "/incidents/1/assign", lead="Ben", text="a note that isn't meant", by="Ana"
        )
        await send(daemon, "/incidents/1/status", status="identified", text="", by="Ana")
        incident = (await daemon.get("/api/v1/incidents/1")).json
        assert (incident["lead"], incident["status"]) == ("Ben", "identified")
        assert (await drafts(daemon))["status-update"]["text"].startswith("We have found the cause")


async def test_who_may_only_look_gets_no_form(router: Router) -> None:
    async with public(router, auth=AUTH) as daemon:
        await daemon.alert(alert())
        page = text(await daemon.get("/incidents/1", headers=basic("viewer")))
        assert "<form" not in page
        assert "problems with Card payments" in page
        answer = await daemon.ask(
            "POST", "/api/v1/incidents/1/announce", headers=bearer("viewer"), json={}
        )
        assert answer.status == 403


async def mailed(relay: Relay, count: int) -> list[Any]:
    async with asyncio.timeout(10):
        while len(relay.mails) < count:  # noqa: ASYNC110 - the relay is a server of its own thread
            await asyncio.sleep(0.02)
    return [mail for _, mail in relay.mails]


async def test_customers_are_mailed_once_what_was_shown(router: Router) -> None:
    """With no text it's the draft's; announcing or re-sending again mails nobody."""
    relay = Relay()
    async with running(relay) as port, public(router, port) as daemon:
        await daemon.alert(alert())
        early = await daemon.ask("POST", "/api/v1/incidents/1/announce", json={})
        assert (early.status, early.json["outcome"]) == (409, "not_resolved")
        await daemon.ask("POST", "/api/v1/incidents/1/resolve", json={})
        draft = (await drafts(daemon))["customer-email"]
        unasked = await daemon.ask("POST", "/api/v1/incidents/1/announce", json={"confirm": 1})
        assert unasked.status == 428
        assert 'this mails 2 recipients; to do it, send "confirm": 2' in unasked.json["detail"]
        assert "Service Update - VintStreet" in unasked.json["detail"]
        confirmed = {"confirm": draft["recipients"]}
        done = await daemon.ask("POST", "/api/v1/incidents/1/announce", json=confirmed)
        assert (done.status, done.json["outcome"]) == (200, "announced")
        mails = await mailed(relay, 2)
        assert sorted(mail["to"] for mail in mails) == ["partners@example.com", "users@example.com"]
        assert mails[0]["subject"] == "Service Update - VintStreet"
        assert mails[0].get_content().replace("\r\n", "\n").strip() == draft["text"]
        assert (await daemon.ask("POST", "/api/v1/incidents/1/announce", json={})).json[
            "outcome"
        ] == "already_done"
        await daemon.ask("POST", "/api/v1/notifications/1/customers/resend")
        async with asyncio.timeout(10):
            while (await sent(daemon)) != ("sent", 2):  # noqa: ASYNC110 - another thing's doing
                await asyncio.sleep(0.02)
        assert len(relay.mails) == 2
        page = text(await daemon.get("/incidents/1"))
        assert "are not mailed twice" in page
        assert 'action="/incidents/1/announce"' not in page


async def sent(daemon: Daemon) -> tuple[str, int]:
    (notification,) = (await daemon.get("/api/v1/notifications?channel=customers")).json[
        "notifications"
    ]
    return notification["state"], notification["sent"]


@pytest.mark.parametrize("answer", ["n", "y"])
async def test_commands_show_the_words_and_ask_first(
    router: Router, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.confirm", _saying(answer))
    async with public(router) as daemon:
        await daemon.alert(alert())
        code, out, _ = await run(daemon, "publish", "1", "--title", "Cards fail")
        assert "Cards fail\n\nWe are currently investigating reports" in out
        assert (code == 0) is (answer == "y")
        published = (await daemon.get("/api/v1/incidents/1")).json["public_title"]
        assert published == ("Cards fail" if answer == "y" else None)


def _saying(answer: str) -> Callable[..., bool]:
    def confirm(_question: str, *, abort: bool) -> bool:
        if answer != "y" and abort:
            raise SystemExit(1)
        return True

    return confirm


async def test_other_commands_say_how_it_stands(router: Router) -> None:
    async with public(router) as daemon:
        await daemon.alert(alert())
        assert (await run(daemon, "update", "1", "--status", "monitoring", "It's deployed."))[
            0
        ] == 0
        assert (await run(daemon, "assign", "1", "Ben"))[0] == 0
        assert (await run(daemon, "update", "1", "Looks well."))[0] == 0
        incident = (await daemon.get("/api/v1/incidents/1")).json
        assert (incident["status"], incident["lead"]) == ("monitoring", "Ben")
        assert [entry["what"] for entry in incident["timeline"] if entry["what"] == "noted"] == [
            "noted"
        ]
        code, _, error = await run(daemon, "announce", "1")
        assert (code, "not resolved" in error) == (1, True)


async def test_a_preview_is_of_an_incident_or_of_a_made_up_one(router: Router) -> None:
    async with public(router) as daemon:
        await daemon.alert(alert())
        _, out, _ = await run(daemon, "template", "preview", "internal", "--incident", "1")
        assert out.startswith("🚨 [P0] VintStreet Incident\n\nStatus: INVESTIGATING\n")
        options = (
            "--rule",
            "payment-failures",
            "--zone",
            "Asia/Tokyo",
            "--config",
            str(daemon.path),
        )
        _, out, _ = await run(daemon, "template", "preview", "customer-email", *options)
        assert out.startswith("Subject: Service Update - VintStreet\n\nDear VintStreet Users,\n")
        assert "JST" in out
