"""The structs of Alertmanager's API v2, for requests and answers.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType, field

from router.web.api.content import Time


class Named(Struct, frozen=True):
    name: str


class AlertStatus(Struct, frozen=True, rename="camel"):
    state: str
    silenced_by: list[str]
    inhibited_by: list[str]
    muted_by: list[str]


class GettableAlert(Struct, frozen=True, rename="camel", kw_only=True):
    """An alert that is firing. `ends_at` is when it ends if nobody reports it again."""

    annotations: dict[str, str]
    ends_at: Time
    fingerprint: str
    receivers: list[Named]
    starts_at: Time
    status: AlertStatus
    updated_at: Time
    generator_url: str | UnsetType = field(default=UNSET, name="generatorURL")
    labels: dict[str, str]


class AlertGroup(Struct, frozen=True, rename="camel"):
    labels: dict[str, str]
    receiver: Named
    alerts: list[GettableAlert]
    route_labels: dict[str, str] = {}


class WireMatcher(Struct, frozen=True, rename="camel"):
    name: str
    value: str
    is_regex: bool
    is_equal: bool = True


class PostableSilence(Struct, frozen=True, rename="camel", kw_only=True):
    """A new silence, or a change of the one with this `id`. Unknown fields are ignored."""

    comment: str
    created_by: str
    ends_at: datetime
    matchers: list[WireMatcher]
    starts_at: datetime
    id: str = ""
    annotations: dict[str, str] = {}


class SilenceStatus(Struct, frozen=True):
    state: str


class GettableSilence(Struct, frozen=True, rename="camel", kw_only=True):
    id: str
    status: SilenceStatus
    updated_at: Time
    comment: str
    created_by: str
    ends_at: Time
    matchers: list[WireMatcher]
    starts_at: Time
    annotations: dict[str, str] | UnsetType = UNSET


class SilenceId(Struct, frozen=True):
    id: str = field(name="silenceID")


class ClusterStatus(Struct, frozen=True):
    """The router's replicas share a database, and need no mesh."""

    status: str = "disabled"
    peers: list[str] = []


class VersionInfo(Struct, frozen=True, rename="camel"):
    version: str
    branch: str = ""
    build_date: str = ""
    build_user: str = ""
    go_version: str = ""
    revision: str = ""


class ShownConfig(Struct, frozen=True):
    original: str


class Status(Struct, frozen=True, rename="camel"):
    cluster: ClusterStatus
    config: ShownConfig
    uptime: Time
    version_info: VersionInfo
