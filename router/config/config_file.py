"""The format of the config file and of rule files, before the checks across values."""

from typing import Literal, NewType

from msgspec import Struct, field

from router.config.actions import ActionConfig
from router.config.auth import Auth
from router.config.channel_options import ChannelOptions
from router.config.communication import CommunicationConfig, TemplatesConfig
from router.config.company import Company
from router.config.deployments import DeploymentsConfig
from router.config.drills import DrillsConfig
from router.config.fields import HttpUrl, Size
from router.config.networks import check_networks
from router.config.people import ContactConfig, ScheduleConfig
from router.config.postmortems import PostMortemsConfig
from router.config.secret import Secret, SecretUrl
from router.config.silences import SilenceConfig
from router.config.statuspage import StatusPageConfig
from router.core.incident.policy import Policy, SeverityPlan
from router.core.rules.heartbeat import Heartbeat
from router.core.rules.matcher import MatcherList
from router.core.rules.rule import Flapping, SeverityFrom
from router.core.suppression.inhibition import Inhibition
from router.core.text.plain import plain
from router.core.text.template import Template
from router.core.text.units import Threshold
from router.model.incident import Severity
from router.model.scalars import Duration

LinkTemplate = NewType("LinkTemplate", Template)
"""A template of a URL."""


class Source(Struct, frozen=True):
    """One configured source, at `/webhooks/NAME`.

    `type` names the service; without it, the source's name does.
    """


class Count(Struct, frozen=True, kw_only=True):
    """Count the alerts that the rule matched within `over`."""

    over: Duration


class RuleConfig(Struct, frozen=True, kw_only=True):
    """A rule: which alerts it matches, how severe they are, and which incident they join."""

    name: str
    match: MatcherList = ()
    source: str = ""
    measure: str = "value"
    count: Count | None = None
    thresholds: dict[Severity, Threshold] = {}
    severity: Severity | None = None
    policy: str = ""
    ignore: bool = False
    group_by: tuple[str, ...] = ()
    summary: Template | None = None
    runbook: str = ""
    component: str = ""
    actions: tuple[str, ...] = ()
    public: Literal["approve", "auto"] = "approve"
    resolve_after: Duration | None = None
    continues: bool = field(name="continue", default=False)
    severity_from: SeverityFrom | None = None
    expire_after: Duration | None = None
    when_stale: Literal["ask", "resolve"] = "ask"
    flapping: Flapping = Flapping()

    def __post_init__(self) -> None:
        if self.ignore:
            if self.severity or self.severity_from or self.thresholds or self.policy:
                raise ValueError(
                    f"rule '{self.name}' ignores its alerts, so it has no severity and no policy"
                )
            return
        if self.severity_from and self.thresholds:
            raise ValueError(f"rule '{self.name}' takes either thresholds or severity_from")
        if not self.severity_from and bool(self.thresholds) == (self.severity is not None):
            raise ValueError(
                f"rule '{self.name}' needs either thresholds or a severity, or severity_from"
            )
        if self.expire_after is not None and self.expire_after <= 0:
            raise ValueError(f"expire_after of rule '{self.name}' must be longer than 0s")
        if self.count and not self.thresholds:
            raise ValueError(f"rule '{self.name}' counts, but has no thresholds to compare with")
        if len({threshold.dimension for threshold in self.thresholds.values()}) > 1:
            raise ValueError(
                f"the thresholds of rule '{self.name}' measure different things: "
                "use one kind of unit"
            )


class RulesFile(Struct, frozen=True, kw_only=True):
    """A file of rules, tried from the top; the first that matches gets the alert."""

    rules: list[RuleConfig]


class DefaultRule(Struct, frozen=True, kw_only=True):
    """The rule for alerts that no other rule matches: no alert is lost.

    `ignore` names alerts that open nothing. The defaults are helpers of kube-prometheus that fire
    without a problem.
    """

    severity: Severity = Severity.P2
    policy: str = ""
    group_by: tuple[str, ...] = ("alertname",)
    ignore: tuple[str, ...] = ("Watchdog", "InfoInhibitor")
    summary: Template | None = None
    runbook: str = ""
    component: str = ""
    actions: tuple[str, ...] = ()


class LinkConfig(Struct, frozen=True, kw_only=True):
    """A link to another tool's view of an incident. Messages contain the first few links."""

    name: str
    url: LinkTemplate

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= 40 or self.name != plain(self.name):
            raise ValueError("a link's name is a button's text: one line of at most 40 characters")


class HeartbeatConfig(Heartbeat, frozen=True, kw_only=True):
    """A heartbeat: an alert that always fires, or regular requests to `/heartbeat/NAME`.

    A period of whole days ends at the same time by the clock of `time_zone`.
    """

    secret: Secret | None = None
    insecure: bool = False
    severity: Severity = Severity.P2
    runbook: str = ""

    def __post_init__(self) -> None:
        if self.every <= 0:
            raise ValueError("every is 0: write how often the heartbeat comes, such as 5m or 1d")
        given = bool(self.matchers) + (self.secret is not None) + self.insecure
        if given == 0:
            raise ValueError(
                "a heartbeat needs one of match (the alert that is the beat) or secret (for "
                "requests to its URL); write insecure: true to accept requests from anybody"
            )
        if given > 1:
            raise ValueError("a heartbeat takes only one of match, secret and insecure: true")
        if self.secret and self.secret.reveal() == "fail":
            raise ValueError("the secret can't be 'fail', which is the end of the URL of failures")


class DeadMansSwitchConfig(Struct, frozen=True, kw_only=True):
    """A URL that the router requests while it works, so that another service can monitor it."""

    url: SecretUrl
    every: Duration = Duration(60.0)
    method: Literal["GET", "POST"] = "GET"

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError("every is less than 1s")


class BasicAuth(Struct, frozen=True, kw_only=True):
    """A user name and password for HTTP basic authentication."""

    username: str
    password: Secret


class PrometheusConfig(Struct, frozen=True, kw_only=True):
    """The Prometheus that draws charts. At most one of `bearer_token` and `basic`."""

    url: HttpUrl
    bearer_token: Secret | None = None
    basic: BasicAuth | None = None
    timeout: Duration = Duration(5.0)

    def __post_init__(self) -> None:
        if self.bearer_token and self.basic:
            raise ValueError("give either bearer_token or basic")
        if not 0 < self.timeout <= 60:
            raise ValueError("timeout: expected more than 0s, and at most 1m")


class Telemetry(Struct, frozen=True, kw_only=True):
    """The router's logs, the destination of its error reports, and its dead man's switch."""

    logs: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning"] = "info"
    sentry_dsn: Secret | None = None
    environment: str = ""
    heartbeat: DeadMansSwitchConfig | None = None


class Reconcile(Struct, frozen=True, kw_only=True):
    """How often the router compares its state with that of other services; 0s: never."""

    every: Duration = Duration(600.0)

    def __post_init__(self) -> None:
        if 0 < self.every < 60:
            raise ValueError("every: expected 0s, or at least 1m")


class ConfigFile(Struct, frozen=True, kw_only=True):
    """The config file. Types of sources and channels are added by a higher layer."""

    sources: dict[str, Source]
    rules: list[str]
    channels: dict[str, ChannelOptions]
    severities: dict[Severity, SeverityPlan]
    policies: dict[str, Policy]
    contacts: dict[str, ContactConfig] = {}
    roles: dict[str, list[str]] = {}
    schedules: dict[str, ScheduleConfig] = {}
    silences: list[SilenceConfig] = []
    inhibit: list[Inhibition] = []
    actions: dict[str, ActionConfig] = {}
    heartbeats: dict[str, HeartbeatConfig] = {}
    deployments: DeploymentsConfig = DeploymentsConfig()
    drills: DrillsConfig | None = None
    listen: str = "127.0.0.1:9095"
    external_url: HttpUrl = HttpUrl("http://127.0.0.1:9095")
    storage: Secret = Secret("sqlite:///alert-router.db")
    company: Company = Company()
    default_rule: DefaultRule = DefaultRule()
    links: list[LinkConfig] = []
    prometheus: PrometheusConfig | None = None
    status_page: StatusPageConfig | None = None
    postmortems: PostMortemsConfig = PostMortemsConfig()
    communication: CommunicationConfig | None = None
    templates: TemplatesConfig | None = None
    auth: Auth = Auth()
    telemetry: Telemetry = Telemetry()
    reconcile: Reconcile = Reconcile()
    max_body: Size = Size(16 * 1024 * 1024)
    resolve_after: Duration = Duration(0.0)
    reopen_within: Duration = Duration(600.0)
    fallback_after: Duration = Duration(120.0)
    give_up_after: Duration = Duration(86_400.0)
    expire_after: dict[str, Duration] = {}
    retention: Duration = Duration(90 * 86_400.0)
    expose_insecure: bool = False
    trusted_proxies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_networks("trusted_proxies", self.trusted_proxies)
