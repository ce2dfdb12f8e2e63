"""The mails to subscribers of the status page, in plain text for every reader."""

from router.core.communication.notice import Notice, Update, clean
from router.core.text.plain import local, utc
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.statuspage import Maintenance, PublicMail, QueuedMail, StatusPlan


def ask_to_confirm(plan: StatusPlan, address: str, link: str, queued: QueuedMail) -> PublicMail:
    """Return the mail that asks to confirm: the only mail to unconfirmed addresses."""
    text = (
        f"Somebody, most likely you, asked for updates of {plan.title} at this address.\n\n"
        f"To get them, open this link and confirm:\n{link}\n\n"
        "If it wasn't you, ignore this mail: you won't hear from us again."
    )
    return PublicMail(
        address, f"Confirm updates of {plan.title}", text, _name(queued), queued.queued_at
    )


def already(plan: StatusPlan, address: str, unsubscribe: str, queued: QueuedMail) -> PublicMail:
    """Return the mail to somebody who subscribed before.

    The form does not reveal it, as anybody can enter any address.
    """
    text = (
        f"You asked for updates of {plan.title}. You are already subscribed.\n\n"
        f"To unsubscribe:\n{unsubscribe}\n"
    )
    subject = f"You are already subscribed to updates of {plan.title}"
    return PublicMail(
        address, subject, text, _name(queued), queued.queued_at, unsubscribe=unsubscribe
    )


def update(
    plan: StatusPlan, address: str, unsubscribe: str, queued: QueuedMail, notice: Notice
) -> PublicMail | None:
    """Return the mail about an update; None if it is not public any more."""
    update = next((update for update in notice.updates if update.id == queued.entry_id), None)
    if update is None:
        return None
    return PublicMail(
        to=address,
        subject=f"[{update.status.capitalize()}] {notice.title}",
        text=_text(plan, notice, update, unsubscribe),
        name=_name(queued),
        at=queued.queued_at,
        # A new database starts again at INC-1, so the id contains the time, too.
        thread=f"status-{notice.id}.{notice.published_at:.0f}",
        unsubscribe=unsubscribe,
    )


def _text(plan: StatusPlan, notice: Notice, update: Update, unsubscribe: str) -> str:
    known = {component.name: component.title for component in plan.components}
    affected = [known[name] for name in notice.components if name in known]
    lines = [
        notice.title,
        "",
        *update.paragraphs,
        "",
        f"Status: {update.status.capitalize()}",
        *([f"Affects: {', '.join(affected)}"] if affected else []),
        f"Started: {utc(notice.started_at)}",
        f"This update: {utc(update.at)}",
        "",
        f"All updates: {plan.url}/incidents/{notice.id}.html",
        f"Unsubscribe: {unsubscribe}",
    ]
    return "\n".join(lines)


def announcement(
    address: str, unsubscribe: str, queued: QueuedMail, incident: Incident, entry: Entry
) -> PublicMail:
    """Return the mail to a subscriber with an announcement that was approved for customers."""
    text = f"{letter_text(str(entry.data.get('text', '')))}\n\nUnsubscribe: {unsubscribe}"
    subject, name = str(entry.data.get("title", "")), f"{_name(queued)}.{incident.opened_at:.0f}"
    return PublicMail(address, subject, text, name, queued.queued_at, unsubscribe=unsubscribe)


def maintenance(
    plan: StatusPlan, address: str, unsubscribe: str, queued: QueuedMail, maintenance: Maintenance
) -> PublicMail:
    """Return the announcement of maintenance."""
    known = {part.name: part.title for part in plan.components}
    affected = [known[name] for name in maintenance.components if name in known]
    start, end = local(maintenance.starts_at, plan.zone), local(maintenance.ends_at, plan.zone)
    lines = [
        clean(maintenance.title),
        "",
        *([letter_text(maintenance.text), ""] if maintenance.text else []),
        f"From {start} to {end}",
        *([f"Affects: {', '.join(affected)}"] if affected else []),
        "",
        f"Status page: {plan.url}",
        f"Unsubscribe: {unsubscribe}",
    ]
    name = f"maintenance-{maintenance.id}.{queued.subscriber}"
    subject = f"[Maintenance] {clean(maintenance.title)}"
    return PublicMail(
        address, subject, "\n".join(lines), name, queued.queued_at, unsubscribe=unsubscribe
    )


def maintenance_over(
    plan: StatusPlan, address: str, unsubscribe: str, queued: QueuedMail, maintenance: Maintenance
) -> PublicMail:
    """Return the mail about maintenance that a person ended, or cancelled before it began."""
    start, end = local(maintenance.starts_at, plan.zone), local(maintenance.ends_at, plan.zone)
    cancelled = f"It is cancelled. It was planned from {start} to {end}."
    lines = [
        clean(maintenance.title),
        "",
        cancelled if maintenance.cancelled else f"It began at {start}, and ended at {end}.",
        "",
        f"Status page: {plan.url}",
        f"Unsubscribe: {unsubscribe}",
    ]
    how = "cancelled" if maintenance.cancelled else "completed"
    name = f"maintenance-{maintenance.id}-{how}.{queued.subscriber}"
    subject = f"[Maintenance {how}] {clean(maintenance.title)}"
    return PublicMail(
        address, subject, "\n".join(lines), name, queued.queued_at, unsubscribe=unsubscribe
    )


def letter_text(text: str) -> str:
    """Return `text` with its line breaks, and only characters that every mail client can show."""
    return "\n".join(clean(line) for line in text.splitlines()).strip()


def _name(queued: QueuedMail) -> str:
    return f"{queued.kind}-{queued.entry_id or f'{queued.queued_at:.0f}'}.{queued.subscriber}"
