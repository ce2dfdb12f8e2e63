"""Rows of the reasons about deployments, actions and follow-up: see `reason_table`."""

from router.model.reason import Reason as R  # noqa: N817 - the table's first column
from router.model.reason_row import Row
from router.model.reason_row import Trait as T  # noqa: N817

_ABOUT = "[: #{number}][ {action}]"
_ITEM = "[: {text}][ ({owner}, by {due})]"

WORK: dict[R, Row] = {
    # Deployments
    R.SUSPECTED: Row("A deployment may have caused the incident.", "Suspect[: {suspect}]"),
    R.NOT_SUSPECTED: Row(
        "The deployment is of another service, outside the time window, or failed."
    ),
    R.DEPLOYMENT_RECORDED: Row("A deployment was recorded."),
    R.DEPLOYMENT_ELSEWHERE: Row(
        "The deployment is of no service in the config.",
        refusal="no service under `deployments` is deployed by it",
        short="suspect deployment found",
    ),
    # Actions
    R.ACTION_REQUESTED: Row(
        "A person requested an action, or the undoing of one.",
        "Action requested[ by {by}][: #{number}][ {action}][ ({parameters})][, to undo #{undoes}]",
    ),
    R.ACTION_CHECKED: Row(
        "The dry run succeeded, and the action waits for approval.",
        "Dry run succeeded[: #{number}][ {action}] waits for approval",
    ),
    R.ACTION_CHECK_FAILED: Row(
        "The dry run failed or broke off, so the action can't be approved.",
        f"Dry run failed{_ABOUT}",
        T.ENDS_ACTION,
    ),
    R.ACTION_STARTED: Row(
        "A person approved the action, and it runs.",
        f"Action approved[ by {{by}}]{_ABOUT}",
    ),
    R.ACTION_CONFIRMED: Row(
        "A person did a step of a guide.",
        f"Step[ {{step}}] confirmed[ by {{by}}]{_ABOUT}[: {{text}}]",
    ),
    R.ACTION_DONE: Row("The action succeeded.", f"Action succeeded{_ABOUT}", T.ENDS_ACTION),
    R.ACTION_FAILED: Row("The action failed.", f"Action failed{_ABOUT}", T.ENDS_ACTION),
    R.ACTION_TIMED_OUT: Row(
        "The action was stopped by its time-out.",
        f"Action timed out{_ABOUT}",
        T.ENDS_ACTION,
    ),
    R.ACTION_MAY_HAVE_RUN: Row(
        "The router stopped during the action, or the result is unknown. It isn't run again.",
        f"Action may have run{_ABOUT}; it isn't run again automatically",
        T.ENDS_ACTION,
    ),
    R.ACTION_PRACTISED: Row(
        "A person approved the action in a drill, so it isn't run.",
        f"Action approved[ by {{by}}], and not run in a drill{_ABOUT}",
        T.ENDS_ACTION,
    ),
    R.ACTION_DECLINED: Row(
        "A person declined the action.",
        f"Action declined[ by {{by}}]{_ABOUT}[: {{text}}]",
        T.ENDS_ACTION,
    ),
    R.ACTION_EXPIRED: Row(
        "Nobody approved the action in time.",
        f"Action expired without approval{_ABOUT}",
        T.ENDS_ACTION | T.REFUSED,
        refusal="the request has expired: request it again",
    ),
    R.SECOND_PERSON_NEEDED: Row(
        "The person who requested the action can't approve it.",
        f"Approval refused[: {{by}} requested the action]{_ABOUT}",
        T.REFUSED,
        refusal="a person other than the one who requested it has to approve it",
    ),
    R.WRONG_CONFIRMATION: Row(
        "The typed words differ from those that the guide's step asks for.",
        f"Confirmation mistyped[ by {{by}}]{_ABOUT}",
        T.REFUSED,
        refusal="the typed words differ from those that the step asks for",
    ),
    R.ACTION_CHANGED: Row(
        "The action's config changed after the request: it would run something else.",
        f"Action's config changed since the request{_ABOUT}",
        T.REFUSED,
        refusal="the action's config changed since the request: request it again",
    ),
    R.ACTION_NOT_OFFERED: Row(
        "The incident's rule doesn't name the action, or there is nothing to undo.",
        traits=T.REFUSED,
        refusal="the incident's rule doesn't name this action, or there is nothing to undo",
    ),
    R.ACTION_NOT_WAITING: Row(
        "The request isn't in a state that allows this.",
        traits=T.REFUSED,
        refusal="the request isn't in a state that allows this",
    ),
    # Follow-up
    R.POSTMORTEM_DUE: Row(
        "The incident is over, and its severity needs a post-mortem.",
        "Post-mortem is due[ by {due}]",
        T.FOLLOW_UP,
    ),
    R.POSTMORTEM_REMINDED: Row(
        "The lead is reminded of the post-mortem.",
        "Reminder: the post-mortem is due[ by {due}][ (lead: {lead})]",
        T.FOLLOW_UP,
    ),
    R.POSTMORTEM_OVERDUE: Row(
        "The post-mortem is overdue.",
        "Post-mortem is overdue[ since {due}][ (lead: {lead})]",
        T.FOLLOW_UP,
    ),
    R.POSTMORTEM_WRITTEN: Row(
        "A person edited the post-mortem.",
        "Post-mortem edited[ by {by}]",
        T.FOLLOW_UP,
    ),
    R.POSTMORTEM_SHARED: Row(
        "A person shared the post-mortem: it is done.",
        "Post-mortem shared[ by {by}][: {text}]",
        T.FOLLOW_UP,
    ),
    R.POSTMORTEM_WAIVED: Row(
        "A person said why no post-mortem is needed.",
        "Post-mortem waived[ by {by}][: {text}]",
        T.FOLLOW_UP,
    ),
    R.ITEM_ADDED: Row(
        "A person added an action item.",
        f"Action item[ {{number}}] added[ by {{by}}]{_ITEM}",
        T.FOLLOW_UP,
    ),
    R.ITEM_CHANGED: Row(
        "A person changed or reopened an action item.",
        f"Action item[ {{number}}] changed[ by {{by}}]{_ITEM}",
        T.FOLLOW_UP,
    ),
    R.ITEM_DONE: Row(
        "A person completed an action item.",
        "Action item[ {number}] done[ (set by {by})][: {text}]",
        T.FOLLOW_UP,
    ),
    R.ITEM_REMINDED: Row(
        "The owner is reminded of an action item.",
        "Reminder: action item[ {number}] is due[ by {due}][: {text}][ ({owner})]",
        T.FOLLOW_UP,
    ),
    R.ITEM_OVERDUE: Row(
        "An action item is overdue.",
        "Action item[ {number}] is overdue[ since {due}][: {text}][ ({owner})]",
        T.FOLLOW_UP,
    ),
}
