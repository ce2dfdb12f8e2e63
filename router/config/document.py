"""The shape of the config file and of rule files: what a person writes, before it's checked as a
whole.
"""

from typing import Literal, NewType

from msgspec import Struct, field

from router.config.actions import ActionDocument
from router.config.channel_options import ChannelOptions
from router.config.communication import CommunicationDocument, TemplatesDocument
from router.config.company import Company
from router.config.deployments import DeploymentsDocument
from router.config.drills import DrillsDocument
from router.config.fields import Duration, HttpUrl, Matchers, Size
from router.config.people import ContactDocument, ScheduleDocument
from router.config.policies import PolicyDocument, SeverityDocument
from router.config.postmortems import PostMortemsDocument
from router.config.secret import Secret, SecretUrl
from router.config.silences import InhibitDocument, SilenceDocument
from router.config.statuspage import StatusPageDocument
from router.core.text.plain import plain
from router.core.text.template import Template
from router.core.text.units import Threshold
from router.model.incident import Severity

LinkTemplate = NewType("LinkTemplate", Template)
"""A template of a URL."""


class Source(Struct, frozen=True):
    """One configured source, at `/webhooks/NAME`.

    `type` names the service; without it, the source's name does.
    """


class Count(Struct, frozen=True, kw_only=True):
    """Measure how often the rule took an alert within `over`."""

    over: Duration


class RuleDocument(Struct, frozen=True, kw_only=True):
    """Which alerts a rule takes, how bad they are, and which incident they belong to."""

    name: str
    match: list[Matchers] = []
    source: str = ""
    measure: str = "value"
    count: Count | None = None
    thresholds: dict[Severity, Threshold] = {}
    severity: Severity | None = None
    group_by: tuple[str, ...] = ()
    summary: Template | None = None
    runbook: str = ""
    component: str = ""
    actions: tuple[str, ...] = ()
    public: Literal["approve", "auto"] = "approve"
    resolve_after: Duration | None = None
    continues: bool = field(name="continue", default=False)

    def __post_init__(self) -> None:
        if bool(self.thresholds) == (self.severity is not None):
            raise ValueError(f"rule '{self.name}' needs either thresholds or a severity")
        if self.count and not self.thresholds:
            raise ValueError(
                f"rule '{self.name}' counts, but has no thresholds to hold the count against"
            )
        if len({threshold.dimension for threshold in self.thresholds.values()}) > 1:
            raise ValueError(
                f"the thresholds of rule '{self.name}' measure different things: use one kind of unit"
            )


class RulesFile(Struct, frozen=True, kw_only=True):
    """A file of rules, tried from the top; the first whose matchers hold takes the alert."""

    rules: list[RuleDocument]


class DefaultRule(Struct, frozen=True, kw_only=True):
    """The rule for alerts that no other rule matches: no alert is lost.

    `ignore` names alerts that open nothing. The defaults are helpers of kube-prometheus that fire
    without a problem.
    """

    severity: Severity = Severity.P2
    group_by: tuple[str, ...] = ("alertname",)
    ignore: tuple[str, ...] = ("Watchdog", "InfoInhibitor")
    summary: Template | None = None
    runbook: str = ""
    component: str = ""
    actions: tuple[str, ...] = ()


class Token(Struct, frozen=True, kw_only=True):
    """An API token, by the SHA-256 of it in hex: `printf %s TOKEN | sha256sum`."""

    sha256: str
    role: Literal["viewer", "responder", "admin"] = "responder"

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise ValueError("sha256 must be 64 lower-case hex digits: printf %s TOKEN | sha256sum")


SHORTEST_KEY = 32
"""Characters of a key that signs: what is shorter might be guessed by who has a link to try on."""


class Auth(Struct, frozen=True, kw_only=True):
    """Who may use the API: tokens by name, or anybody with `insecure: true`, which a loopback
    `listen` implies.

    `link_secret` signs the links in messages, which are good for `links_expire_after`.
    """

    tokens: dict[str, Token] = {}
    insecure: bool = False
    link_secret: Secret | None = None
    links_expire_after: Duration = Duration(86_400.0)

    def __post_init__(self) -> None:
        if self.link_secret and len(self.link_secret.reveal()) < SHORTEST_KEY:
            raise ValueError(
                f"link_secret must have at least {SHORTEST_KEY} characters: openssl rand -base64 32"
            )
        if self.links_expire_after <= 0:
            raise ValueError("links_expire_after must be longer than nothing")


class LinkDocument(Struct, frozen=True, kw_only=True):
    """A way to look at an incident elsewhere. The first few of them are in messages, too."""

    name: str
    url: LinkTemplate

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= 40 or self.name != plain(self.name):
            raise ValueError(
                "the name of a link is on buttons: give it one line of at most 40 characters"
            )


class HeartbeatDocument(Struct, frozen=True, kw_only=True):
    """What has to come again and again: an alert that always fires, or requests for
    `/heartbeat/NAME`.
    """

    every: Duration
    grace: Duration = Duration(60.0)
    match: list[Matchers] = []
    secret: Secret | None = None
    insecure: bool = False
    severity: Severity = Severity.P2
    runbook: str = ""

    def __post_init__(self) -> None:
        if self.every <= 0:
            raise ValueError("every is 0: say how often the heartbeat comes, such as 5m or 1d")
        if bool(self.match) + (self.secret is not None) + self.insecure != 1:
            raise ValueError(
                "a heartbeat needs one of match (the alert that is the beat) or secret (of who requests its URL); "
                "write insecure: true to let anybody request it"
            )
        if self.secret and self.secret.reveal() == "fail":
            raise ValueError("the secret can't be 'fail', which ends the URL of what failed")


class PulseDocument(Struct, frozen=True, kw_only=True):
    """Where the router says that it's well, so that something else can watch it."""

    url: SecretUrl
    every: Duration = Duration(60.0)
    method: Literal["GET", "POST"] = "GET"

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError("every is less than 1s")


class BasicDocument(Struct, frozen=True, kw_only=True):
    """A user name and password, as HTTP basic authentication sends them."""

    username: str
    password: Secret


class PrometheusDocument(Struct, frozen=True, kw_only=True):
    """Where the queries of alerts are asked again, for charts.

    At most one of `bearer_token` and `basic`.
    """

    url: HttpUrl
    bearer_token: Secret | None = None
    basic: BasicDocument | None = None
    timeout: Duration = Duration(5.0)

    def __post_init__(self) -> None:
        if self.bearer_token and self.basic:
            raise ValueError("give either bearer_token or basic")
        if not 0 < self.timeout <= 60:
            raise ValueError("timeout: expected more than 0s, and at most 1m")


class Telemetry(Struct, frozen=True, kw_only=True):
    """The router's own logs, and where it reports its own errors and that it's well."""

    logs: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning"] = "info"
    sentry_dsn: Secret | None = None
    environment: str = ""
    heartbeat: PulseDocument | None = None


class Document(Struct, frozen=True, kw_only=True):
    """The config file. The types of sources and channels are known to a higher layer."""

    sources: dict[str, Source]
    rules: list[str]
    channels: dict[str, ChannelOptions]
    severities: dict[Severity, SeverityDocument]
    policies: dict[str, PolicyDocument]
    contacts: dict[str, ContactDocument] = {}
    roles: dict[str, list[str]] = {}
    schedules: dict[str, ScheduleDocument] = {}
    silences: list[SilenceDocument] = []
    inhibit: list[InhibitDocument] = []
    actions: dict[str, ActionDocument] = {}
    heartbeats: dict[str, HeartbeatDocument] = {}
    deployments: DeploymentsDocument = DeploymentsDocument()
    drills: DrillsDocument | None = None
    listen: str = "127.0.0.1:9095"
    external_url: HttpUrl = HttpUrl("http://127.0.0.1:9095")
    storage: Secret = Secret("sqlite:///alert-router.db")
    company: Company = Company()
    default_rule: DefaultRule = DefaultRule()
    links: list[LinkDocument] = []
    prometheus: PrometheusDocument | None = None
    status_page: StatusPageDocument | None = None
    postmortems: PostMortemsDocument = PostMortemsDocument()
    communication: CommunicationDocument | None = None
    templates: TemplatesDocument | None = None
    auth: Auth = Auth()
    telemetry: Telemetry = Telemetry()
    max_body: Size = Size(16 * 1024 * 1024)
    resolve_after: Duration = Duration(0.0)
    reopen_within: Duration = Duration(600.0)
    fallback_after: Duration = Duration(120.0)
    give_up_after: Duration = Duration(86_400.0)
    retention: Duration = Duration(90 * 86_400.0)
