"""The objects in an export: answers of an API, alone or in a list, in one file or several."""

from collections.abc import Iterator

from router.config.located import ListNode, MapNode, Node
from router.importers.source import LEFT_OUT, Report, Section

ENVELOPES = ("data", "results", "nodes")
PAGING = ("paging", "pageInfo", "links", "expandable")


def objects(node: Node, report: Report, kind: str = "") -> Iterator[tuple[str, Section]]:
    """Each object, with the key of the list that contains it, such as `users`; "" at the top."""
    if isinstance(node, ListNode):
        for item in node.items:
            yield from objects(item, report, kind)
    elif isinstance(node, MapNode):
        named = not node.entries.keys().isdisjoint({"id", "name", "_parent"})
        lists = [
            key
            for key, entry in node.entries.items()
            if not named and _is_envelope(key, entry.value, kind)
        ]
        if not lists:
            yield kind, Section(node, report)
        else:
            _check_complete(Section(node, report))
            _report_others(node, {*lists, *PAGING}, report)
        for key in lists:
            below = kind if key in ENVELOPES else key
            yield from objects(node.entries[key].value, report, below)


def _check_complete(answer: Section) -> None:
    """Report an answer that is only the first page of several."""
    paging = answer.section("paging").text("next")
    if answer.flag("more") or answer.text("next") or paging:
        answer.report.add(answer.place, "this is one page of several: export the others, too")


def _report_others(node: MapNode, known: set[str], report: Report) -> None:
    """Report lists and objects of unknown kinds."""
    for key, entry in node.entries.items():
        if key not in known and isinstance(entry.value, ListNode | MapNode):
            report.add(entry.place, f"`{key}` {LEFT_OUT}")


def _is_envelope(key: str, value: Node, kind: str) -> bool:
    """Check if the mapping is only a wrapper around the value of the key."""
    if key in ENVELOPES:
        return isinstance(value, ListNode | MapNode)
    return not kind and key in KINDS and isinstance(value, ListNode | MapNode)


KINDS = frozenset({
    "users", "user", "schedules", "schedule", "escalation_policies", "escalation_policy",
    "services", "overrides", "rotations", "escalationPolicies", "userOverrides", "escalations",
    "teams", "on_call_shifts", "escalation_chains", "personal_notification_rules", "contacts",
    "final_shifts", "timelines", "notification_rules", "routes", "integrations",
})  # fmt: skip
"""Keys of the lists in exports. An export may contain several of these lists."""
