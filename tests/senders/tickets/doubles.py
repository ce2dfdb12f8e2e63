"""GitLab, Jira and Linear on loopback: each keeps issues, and refuses what the service would."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import encode_basic_auth

from router.config.fields import Duration, HttpUrl
from router.config.people import Email
from router.config.secret import Secret
from router.senders.gitlab import GitLabConfig
from router.senders.jira.sender import JiraConfig
from router.senders.linear.sender import LinearConfig
from tests.senders.kit import Answer, Reply, Request

US, SOMEBODY = {"id": 1, "username": "router"}, {"id": 2, "username": "mallory"}

# --- GitLab

GITLAB_TOKEN = "glpat-s3cret"


class GitLab:
    """A project. `issues` by number; `notes` by the number of their issue."""

    def __init__(self) -> None:
        self.issues: dict[str, dict[str, Any]] = {}
        self.notes: dict[str, list[dict[str, Any]]] = {}

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("private-token") != GITLAB_TOKEN:
            return Reply(401, json={"message": "401 Unauthorized"})
        url = urlsplit(request.path)
        path, query = url.path.removeprefix("/projects/acme%2Fops"), dict(parse_qsl(url.query))
        if not path:
            return Reply(json={"path_with_namespace": "acme/ops"})
        if path == "/issues":
            return self._create(request.json) if request.method == "POST" else self._list(query)
        number, _, rest = path.removeprefix("/issues/").partition("/")
        if number not in self.issues:
            return Reply(404, json={"message": "404 Issue Not Found"})
        if rest == "notes":
            return self._notes(number, request, query)
        if request.method == "PUT":
            (event,) = request.json.values()
            self.issues[number]["state"] = {"close": "closed", "reopen": "opened"}[event]
        return Reply(json=self.issues[number])

    def say(self, number: str, text: str, author: dict[str, Any]) -> None:
        self.notes[number].insert(0, {"author": author, "body": text})

    def comments(self, number: str = "1") -> list[str]:
        return [note["body"] for note in reversed(self.notes[number])]

    def is_open(self, number: str = "1") -> bool:
        return bool(self.issues[number]["state"] == "opened")

    def _create(self, said: dict[str, Any]) -> Reply:
        assert set(said) == {"title", "description", "labels", "confidential"}
        assert 0 < len(said["title"]) <= 255
        assert 0 < len(said["description"]) <= 1_048_576
        for line in said["description"].splitlines():
            assert not line.startswith("/"), "a quick action"
        number = str(len(self.issues) + 1)
        self.issues[number] = said | {"iid": int(number), "state": "opened", "author": US}
        self.notes[number] = []
        return Reply(201, json=self.issues[number])

    def _list(self, query: dict[str, str]) -> Reply:
        assert query["scope"] == "created_by_me"
        assert re.fullmatch(r"2026-01-01T1[12]:\d\d:\d\dZ", query["created_after"])
        first = (int(query["page"]) - 1) * int(query["per_page"])
        return Reply(json=list(self.issues.values())[first : first + int(query["per_page"])])

    def _notes(self, number: str, request: Request, query: dict[str, str]) -> Reply:
        if request.method == "GET":
            assert (query["sort"], query["order_by"]) == ("desc", "created_at")
            return Reply(json=self.notes[number])
        self.say(number, request.json["body"], US)
        return Reply(201, json=self.notes[number][0])


def gitlab(url: str, seconds: float = 10.0, **more: Any) -> GitLabConfig:
    return GitLabConfig(
        token=Secret(GITLAB_TOKEN), project="acme/ops", labels=("incident",), api_url=HttpUrl(url),
        timeout=Duration(seconds), **more,
    )  # fmt: skip


# --- Jira

JIRA_TOKEN = "ATATT-s3cret"
STATUSES = {"To Do": "new", "In Progress": "indeterminate", "Done": "done"}


class Jira:
    """The project OPS. `issues` by key."""

    def __init__(self) -> None:
        self.issues: dict[str, dict[str, Any]] = {}

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("authorization") != encode_basic_auth(
            "router@example.com", JIRA_TOKEN
        ):
            return Reply(
                401, json={"errorMessages": ["Client must be authenticated"], "errors": {}}
            )
        url = urlsplit(request.path)
        path, query = url.path.removeprefix("/rest/api/3"), dict(parse_qsl(url.query))
        if path == "/project/OPS":
            return Reply(json={"name": "Operations", "issueTypes": [{"name": "Task"}]})
        if path == "/search/jql":
            return self._search(request.json)
        if path == "/issue":
            return self._create(request.json)
        key, _, rest = path.removeprefix("/issue/").partition("/")
        if key not in self.issues:
            return Reply(404, json={"errorMessages": ["Issue does not exist"], "errors": {}})
        if rest == "comment":
            return self._comments(self.issues[key], request, query)
        if rest == "transitions":
            return self._transitions(self.issues[key], request)
        assert query == {"fields": "status,labels", "properties": "alert-router"}
        return Reply(json=self._shown(key))

    def comments(self, key: str = "OPS-1") -> list[str]:
        return [json.dumps(comment["body"]) for comment in self.issues[key]["comments"]]

    def is_open(self, key: str = "OPS-1") -> bool:
        return bool(self.issues[key]["status"] != "Done")

    def _shown(self, key: str) -> dict[str, Any]:
        issue = self.issues[key]
        category = {"key": STATUSES[issue["status"]]}
        fields = {
            "status": {"name": issue["status"], "statusCategory": category},
            "labels": issue["fields"]["labels"],
        }
        return {"key": key, "fields": fields, "properties": issue["properties"]}

    def _create(self, said: dict[str, Any]) -> Reply:
        fields = said["fields"]
        assert set(fields) == {"project", "issuetype", "summary", "description", "labels"}
        assert fields["project"] == {"key": "OPS"}
        assert 0 < len(fields["summary"]) <= 255
        assert "\n" not in fields["summary"]
        assert not any(re.search(r"\s", label) for label in fields["labels"])
        check_document(fields["description"])
        key = f"OPS-{len(self.issues) + 1}"
        properties = {one["key"]: one["value"] for one in said["properties"]}
        self.issues[key] = {
            "fields": fields,
            "status": "To Do",
            "properties": properties,
            "comments": [],
        }
        return Reply(201, json={"id": "1", "key": key, "self": "https://acme.atlassian.net/x"})

    def _search(self, asked: dict[str, Any]) -> Reply:
        found = re.fullmatch(r'project = "OPS" AND labels = "(\S+)" ORDER BY key', asked["jql"])
        assert found
        keys = [key for key, issue in self.issues.items() if found[1] in issue["fields"]["labels"]]
        return Reply(json={"issues": [self._shown(key) for key in keys[: asked["maxResults"]]]})

    def _comments(self, issue: dict[str, Any], request: Request, query: dict[str, str]) -> Reply:
        if request.method == "GET":
            assert query == {"orderBy": "-created", "maxResults": "100", "expand": "properties"}
            return Reply(json={"comments": issue["comments"][::-1]})
        check_document(request.json["body"])
        issue["comments"].append(request.json)
        return Reply(201, json=request.json)

    def _transitions(self, issue: dict[str, Any], request: Request) -> Reply:
        ids = {str(number): name for number, name in enumerate(STATUSES) if name != issue["status"]}
        if request.method == "POST":
            issue["status"] = ids[request.json["transition"]["id"]]
            return Reply(204, b"")
        offered = [
            {"id": id_, "name": name, "to": {"statusCategory": {"key": STATUSES[name]}}}
            for id_, name in ids.items()
        ]
        return Reply(json={"transitions": offered})


def check_document(document: dict[str, Any]) -> None:
    assert (document["type"], document["version"]) == ("doc", 1)
    assert len(json.dumps(document, ensure_ascii=False)) <= 60_000
    assert sum(map(len, document_lines(document))) <= 32_767
    for block in document["content"]:
        assert block["type"] == "paragraph"
        for text in block["content"]:
            assert text["type"] == "text"
            assert text["text"], "Jira refuses an empty text"


def document_lines(document: dict[str, Any]) -> list[str]:
    return ["".join(text["text"] for text in block["content"]) for block in document["content"]]


def jira(url: str, seconds: float = 10.0, **more: Any) -> JiraConfig:
    return JiraConfig(
        api_url=HttpUrl(url),
        email=Email("router@example.com"),
        token=Secret(JIRA_TOKEN),
        project="OPS",
        labels=("incident",),
        timeout=Duration(seconds),
        **more,
    )


# --- Linear

LINEAR_TOKEN = "lin_api_s3cret"
TEAM = "9cfb482a-81e3-4154-b5b9-2c805e70a02d"
STATES = [
    {"id": "s0", "type": "backlog", "position": 0},
    {"id": "s1", "type": "unstarted", "position": 1},
    {"id": "s2", "type": "completed", "position": 3},
    {"id": "s4", "type": "completed", "position": 2},
    {"id": "s3", "type": "canceled", "position": 4},
]


class Linear:
    """A team. `issues` by identifier."""

    def __init__(self) -> None:
        self.issues: dict[str, dict[str, Any]] = {}

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("authorization") != LINEAR_TOKEN:
            error = {
                "message": "Authentication required, not authenticated",
                "extensions": {"code": "AUTHENTICATION_ERROR"},
            }
            return Reply(401, json={"errors": [error]})
        assert (request.method, request.path) == ("POST", "/graphql")
        query, given = request.json["query"], request.json["variables"]
        operation = re.match(r"(?:query|mutation) (\w+)", query)
        assert operation
        data = getattr(self, f"_{operation[1].lower()}")(given)
        return data if isinstance(data, Reply) else Reply(json={"data": data})

    def comments(self, key: str = "OPS-1") -> list[str]:
        return [comment["body"] for comment in self.issues[key]["comments"].values()]

    def is_open(self, key: str = "OPS-1") -> bool:
        return self._type(key) not in {"completed", "canceled"}

    def _type(self, key: str) -> str:
        return next(str(one["type"]) for one in STATES if one["id"] == self.issues[key]["stateId"])

    def _find(self, given: dict[str, Any]) -> Any:
        found = []
        for key, issue in self.issues.items():
            if issue["id"] == given["id"]:
                made = [
                    {"id": comment} for comment in issue["comments"] if comment in given["comments"]
                ]
                found.append(self._shown(key) | {"comments": {"nodes": made}})
        return {"issues": {"nodes": found}}

    def _compare(self, given: dict[str, Any]) -> Any:
        assert len(given["ids"]) <= 100
        known = {issue["id"]: key for key, issue in self.issues.items()}
        nodes = [self._shown(known[one]) | {"id": one} for one in given["ids"] if one in known]
        return {"issues": {"nodes": nodes}}

    def _shown(self, key: str) -> dict[str, Any]:
        described = self.issues[key]["description"]
        return {"identifier": key, "description": described, "state": {"type": self._type(key)}}

    def _states(self, given: dict[str, Any]) -> Any:
        if given["team"] != TEAM:
            return Reply(
                json={
                    "errors": [{"message": f"Entity not found: Team {LINEAR_TOKEN}"}],
                    "data": None,
                }
            )
        return {"team": {"name": "Operations", "states": {"nodes": STATES}}}

    def _open(self, given: dict[str, Any]) -> Any:
        said = given["input"]
        assert re.fullmatch(
            r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", said["id"]
        )
        assert said["teamId"] == TEAM
        assert 0 < len(said["title"]) <= 255
        assert 1 <= said["priority"] <= 4
        if any(issue["id"] == said["id"] for issue in self.issues.values()):
            return Reply(json={"errors": [{"message": "Entity with this id exists"}]})
        key = f"OPS-{len(self.issues) + 1}"
        self.issues[key] = said | {"stateId": "s0", "comments": {}}
        return {"issueCreate": {"issue": self._shown(key)}}

    def _comment(self, given: dict[str, Any]) -> Any:
        said = given["input"]
        for issue in self.issues.values():
            if issue["id"] == said["issueId"]:
                assert said["id"] not in issue["comments"], "Linear refuses a second one"
                issue["comments"][said["id"]] = said
        return {"commentCreate": {"success": True}}

    def _move(self, given: dict[str, Any]) -> Any:
        for issue in self.issues.values():
            if issue["id"] == given["id"]:
                issue["stateId"] = given["state"]
        return {"issueUpdate": {"success": True}}


def linear(url: str, seconds: float = 10.0, **more: Any) -> LinearConfig:
    return LinearConfig(
        token=Secret(LINEAR_TOKEN),
        api_url=HttpUrl(url),
        timeout=Duration(seconds),
        **{"team": TEAM} | more,
    )


# --- shown


def gitlab_text(request: Request) -> str:
    if request.method == "GET":
        return ""
    return "\n".join(
        request.json.get(part, "") for part in ("title", "description", "body")
    ).strip()


def jira_text(request: Request) -> str:
    if request.method == "GET" or "jql" in request.json or "transition" in request.json:
        return ""
    fields = request.json.get("fields", {})
    document = fields.get("description") or request.json["body"]
    return "\n".join([fields.get("summary", ""), *document_lines(document)]).strip()


def linear_text(request: Request) -> str:
    said = request.json["variables"].get("input", {})
    return "\n".join(said.get(part, "") for part in ("title", "description", "body")).strip()
