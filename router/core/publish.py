"""What the public is told where nobody has written it: the status page's words of the plan's communication templates.

Only the component's name is taken from the incident. A title, a label or an alert's text may say what isn't theirs to
know.
"""

from router.model.incident import Incident, Status

_WORDS = {
    Status.INVESTIGATING: (
        "We are currently investigating reports of problems with {what}. "
        "Our team is working to resolve this as quickly as possible."
    ),
    Status.IDENTIFIED: "We have found the cause of the problems with {what}, and are working on a fix.",
    Status.MONITORING: "A fix for the problems with {what} is in place. We are watching that it holds.",
    Status.RESOLVED: "The problems with {what} have been resolved. We apologise for any inconvenience.",
    Status.FALSE_POSITIVE: "We have found that {what} worked as it should. There was no problem.",
}


def default_title(incident: Incident) -> str:
    return f"{incident.component or 'Service'} issues".capitalize()


def default_words(incident: Incident) -> str:
    return _WORDS[incident.status].format(what=incident.component or "our service")
