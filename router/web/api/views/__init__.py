"""The structs of the API's answers, made from the model."""

from router.web.api.views.alerts import AlertView, alert
from router.web.api.views.deployments import DeploymentView, SuspectView, deployment, suspect
from router.web.api.views.explanations import ExplanationView, explanation
from router.web.api.views.incidents import (
    EntryView,
    IncidentDetail,
    IncidentView,
    MutedView,
    NotificationView,
    entry,
    incident,
    notification,
)
from router.web.api.views.schedules import GapView, ScheduleView, ShiftView, schedule
from router.web.api.views.times import exactly, when

__all__ = [
    "AlertView",
    "DeploymentView",
    "EntryView",
    "ExplanationView",
    "GapView",
    "IncidentDetail",
    "IncidentView",
    "MutedView",
    "NotificationView",
    "ScheduleView",
    "ShiftView",
    "SuspectView",
    "alert",
    "deployment",
    "entry",
    "exactly",
    "explanation",
    "incident",
    "notification",
    "schedule",
    "suspect",
    "when",
]
