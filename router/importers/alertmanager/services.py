"""Receivers of Jira, and of services that Apprise reaches: Rocket.Chat, Pushover and Webex."""

import re
from typing import Any
from urllib.parse import quote, urlsplit

from router.config.people import parse_email
from router.importers.alertmanager.integration import Integration, secret_of
from router.importers.files import SecretFile

TEMPLATE = "{{"
"""The start of a Go template action, which a setting of the router can't contain."""

PROJECT = re.compile(r"[A-Z][A-Z0-9_]{1,99}")
LABEL = re.compile(r"\S{1,255}")
WORKFLOW = ("resolve_transition", "reopen_transition", "wont_fix_resolution", "reopen_duration")


def jira(integration: Integration) -> dict[str, Any] | None:
    """A channel for Jira Cloud, if the account has an e-mail address."""
    section, project = integration.section, integration.section.text("project")
    site = urlsplit(integration.text("api_url", "jira_api_url"))
    http = (section if "http_config" in section else integration.defaults).section("http_config")
    login = http.section("basic_auth")
    token = secret_of(login, "password")
    if token is None or not site.hostname or not PROJECT.fullmatch(project):
        return None
    try:
        made: dict[str, Any] = {
            "type": "jira",
            "api_url": f"{site.scheme}://{site.netloc}",
            "email": str(parse_email(login.text("username"))),
            "token": integration.keep("token", token),
            "project": project,
        }
    except ValueError:
        return None
    for key in WORKFLOW:
        if key in section:
            message = "the router transitions an issue by its target status"
            section.remark(key, f"`{key}`: {message}")
    section.skip("api_type")
    if issue_type := section.text("issue_type"):
        made["issue_type"] = issue_type
    if labels := _labels(integration):
        made["labels"] = labels
    return made


def _labels(integration: Integration) -> list[str]:
    given = integration.section.texts("labels")
    fixed = [label for label in given if TEMPLATE not in label and LABEL.fullmatch(label)]
    if len(fixed) < len(given):
        integration.section.remark("labels", "`labels` with templates or blanks are left out")
    return fixed


def rocketchat(integration: Integration) -> dict[str, Any] | None:
    site = urlsplit(integration.text("api_url", "rocketchat_api_url"))
    user = integration.secret("token_id", "rocketchat_token_id")
    token = integration.secret("token", "rocketchat_token")
    channel = integration.section.text("channel")
    if user is None or token is None or not site.hostname or not channel or TEMPLATE in channel:
        return None
    scheme = "rockets" if site.scheme == "https" else "rocket"
    place = channel if channel[0] in "#@" else f"#{channel}"
    return _apprise(
        integration, f"{scheme}://{{}}:{{}}@{site.netloc}/{_quoted(place)}", user, token
    )


def pushover(integration: Integration) -> dict[str, Any] | None:
    user, token = integration.secret("user_key"), integration.secret("token")
    return (
        None
        if user is None or token is None
        else _apprise(integration, "pover://{}@{}", user, token)
    )


def webex(integration: Integration) -> dict[str, Any] | None:
    room = integration.section.text("room_id")
    token = secret_of(
        integration.section.section("http_config").section("authorization"), "credentials"
    )
    if token is None or not room or TEMPLATE in room:
        return None
    integration.section.skip("api_url")
    return _apprise(integration, f"wxteams://{{}}/{_quoted(room)}", token)


def _apprise(integration: Integration, url: str, *secrets: SecretFile) -> dict[str, Any]:
    """A channel with Apprise's URL, all of which is secret. Secrets in other files aren't read."""
    if files := [secret.copied_from for secret in secrets if secret.copied_from]:
        message = (
            f"{', '.join(files)} isn't read: put Apprise's URL into secrets/{integration.name}-url"
        )
        integration.section.report.add(integration.section.place, message)
        whole = SecretFile(placeholder=url.format(*("replace-me" for _ in secrets)))
    else:
        whole = SecretFile(url.format(*(_quoted(secret.text) for secret in secrets)))
    message = "this channel needs pip install 'alert-router[apprise]'"
    integration.section.report.add(integration.section.place, message)
    return {"type": "apprise", "urls": [integration.keep("url", whole)]}


def _quoted(text: str) -> str:
    return quote(text, safe="")
