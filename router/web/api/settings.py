"""The settings in effect over the API, without secrets."""

from collections.abc import Callable, Mapping

from aiohttp import web
from msgspec import Struct

from router import __version__
from router.config.load import Config
from router.core.incident.settings import Settings
from router.model.revision import Revision
from router.records.records import Records
from router.web.api.content import Time
from router.web.api.operation import operation, routes
from router.web.api.views.times import exactly
from router.web.auth import Role


class NamedType(Struct, frozen=True):
    """A source or a channel, with its type."""

    name: str
    type: str


class SettingsView(Struct, frozen=True):
    """The settings in effect.

    They were loaded at `loaded_at`, with the `revision` of the rules, from the git `commit`;
    `dirty`: the files had uncommitted changes. `store` is the kind of the database.
    """

    version: str
    revision: str
    loaded_at: Time
    loaded_by: str
    commit: str | None
    dirty: bool
    listen: str
    external_url: str
    store: str
    time_zone: str
    sources: list[NamedType]
    channels: list[NamedType]
    policies: list[str]
    contacts: dict[str, list[str]]
    schedules: list[str]
    actions: list[str]
    heartbeats: list[str]
    tokens: dict[str, str]
    durations: dict[str, float]


class SettingsApi:
    """Reads the config and the record of its loads. `loaded` has the time and cause of the last."""

    def __init__(
        self,
        revisions: Records[Revision],
        *,
        config: Callable[[], Config],
        settings: Callable[[], Settings],
        loaded: Callable[[], tuple[float, str]],
    ) -> None:
        self._revisions = revisions
        self._loaded = loaded
        self._config = config
        self._settings = settings

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/settings", "Show the settings in effect, without secrets.", Role.ADMIN)
    async def show_settings(self) -> SettingsView:
        config, settings = self._config(), self._settings()
        file, revision = config.file, settings.rules.revision
        found = await self._revisions.get(revision)
        load = found.loads[-1] if found else None
        at, by = self._loaded()
        return SettingsView(
            version=__version__,
            revision=revision,
            loaded_at=exactly(at),
            loaded_by=by,
            commit=load.commit or None if load else None,
            dirty=load.dirty if load else False,
            listen=file.listen,
            external_url=file.external_url,
            store=file.storage.reveal().partition(":")[0].partition("+")[0],
            time_zone=file.company.time_zone,
            sources=_named({name: config.source_kinds.get(name, name) for name in config.sources}),
            channels=_named(config.kinds),
            policies=list(file.policies),
            contacts=_addresses(settings),
            schedules=list(file.schedules),
            actions=list(file.actions),
            heartbeats=list(file.heartbeats),
            tokens={name: token.role for name, token in file.auth.tokens.items()},
            durations={
                name: float(getattr(file, name))
                for name in ("resolve_after", "reopen_within", "fallback_after", "give_up_after")
            }
            | {"retention": float(file.retention)},
        )


def _named(types: Mapping[str, str]) -> list[NamedType]:
    return [NamedType(name, type_) for name, type_ in types.items()]


def _addresses(settings: Settings) -> dict[str, list[str]]:
    """Return the contact methods of each person, without numbers and addresses."""
    return {
        name: [method.via for method in methods]
        for name, methods in settings.people.contacts.items()
    }
