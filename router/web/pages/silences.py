"""`/silences`: active and coming silences, a form with a preview, and recurring ones."""

from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from router.ports.errors import InvalidInput
from router.web.api.silences import PreviewQuery, SilenceApi, SilencePreview, SilenceQuery
from router.web.pages.screen import Screen


class Silences(Screen):
    """Shows silences, and makes and ends them. `?match=` fills in the form, and previews it."""

    path: ClassVar[str] = "/silences"
    template: ClassVar[str] = "silences.html"
    notices: ClassVar[Mapping[str, str]] = {
        "silence_made": "The silence is created.",
        "silence_ended": "The silence has ended.",
    }

    def __init__(self, silences: SilenceApi) -> None:
        self._silences = silences

    def routes(self) -> list[web.RouteDef]:
        return [
            *super().routes(),
            self.posts(self.path, self._silences.make_silence, "silence_made"),
            self.posts(f"{self.path}/{{id}}/end", self._silences.end_silence, "silence_ended"),
        ]

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        expired = request.query.get("expired") == "true"
        answer = await self._silences.list_silences(SilenceQuery(expired))
        matchers = "\n".join(request.query.getall("match", [])).split("\n")
        preview, error = await self._preview([text for text in matchers if text.strip()])
        return {
            "silences": answer.silences,
            "windows": answer.windows,
            "expired": expired,
            "matchers": "\n".join(matchers),
            "preview": preview,
            "preview_error": error,
        }

    async def _preview(self, matchers: list[str]) -> tuple[SilencePreview | None, str]:
        """Return the preview of matchers, or their error; neither without matchers."""
        if not matchers:
            return None, ""
        try:
            return await self._silences.preview_silence(PreviewQuery(matchers)), ""
        except InvalidInput as error:
            return None, error.detail
