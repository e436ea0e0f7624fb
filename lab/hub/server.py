"""The lab's Hub: `hub = HubLab(); await hub.start()`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from lab.faults import Faults
from lab.hub import shapes
from lab.hub.faults import FaultName, hub_faults
from lab.hub.model import HubModel
from lab.hub.models import MODELS, ORG

PAGE_SIZE = 1000
SORTS = ("downloads", "likes", "createdAt", "lastModified")


class HubError(Exception):
    """An answer that says why not."""

    def __init__(self, status: int, text: str, code: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.code = code
        """For the header X-Error-Code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRequest:
    """What came."""

    path: str
    query: str
    has_token: bool
    """Whether it carried an Authorization header."""


class HubLab:
    """For tests: `url`, `token`, `org`, `accepted`, `models`, `requests`, `faults`."""

    def __init__(self, *, models: Iterable[HubModel] = MODELS) -> None:
        self.models = {model.id.lower(): model for model in models}
        self.org = ORG
        self.token = "hf_LabTokenOfTheTeamAcmeAi"
        """Of a member of `org`."""
        self.accepted = {"meta-llama"}
        """Whose gated models the token's owner may read."""
        self.url = ""
        """Ends with `/api`."""
        self.requests: list[HubRequest] = []
        self.faults = Faults()
        self.faults.add(*hub_faults())
        self._runner: web.AppRunner | None = None

    async def start(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        application = web.Application(middlewares=[self._door()])
        application.add_routes(
            [
                web.get("/api/whoami-v2", self._whoami),
                web.get("/api/models", self._list),
                web.get("/api/models/{author}/{name}", self._info),
                web.get("/api/models/{author}/{name}/revision/{revision}", self._info),
                web.get("/{author}/{name}/resolve/{revision}/{path:.+}", self._resolve),
                web.get("/api/resolve-cache/models/{author}/{name}/{revision}/{path:.+}", self._file),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}/api"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _whoami(self, request: web.Request) -> web.Response:
        if not self._is_member(request):
            raise HubError(401, "Invalid username or password.")
        return web.json_response({"type": "user", "name": "acme-bot", "orgs": [{"type": "org", "name": self.org}]})

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        found = [model for model in self.models.values() if not model.is_private or self._is_member(request)]
        if author := query.get("author"):
            found = [model for model in found if model.author.lower() == author.lower()]
        for text in query.getall("search", []):
            found = [model for model in found if text.lower() in model.id.lower()]
        for tag in [*query.getall("filter", []), *query.getall("pipeline_tag", [])]:
            found = [model for model in found if set(tag.split(",")) <= set(model.tags)]
        if sort := query.get("sort"):
            if sort not in SORTS:
                raise HubError(400, "Invalid sort parameter")
            found.sort(key=lambda model: shapes.fields(model, [sort])[sort], reverse=query.get("direction") != "1")
        return self._page(request, found)

    def _page(self, request: web.Request, found: list[HubModel]) -> web.Response:
        limit, start = int(request.query.get("limit", PAGE_SIZE)), int(request.query.get("cursor", "0"))
        names = shapes.LISTED_IN_FULL if request.query.get("full") in ("true", "1") else shapes.LISTED
        response = web.json_response([shapes.fields(model, names) for model in found[start : start + limit]])
        if start + limit < len(found):
            others = [(name, value) for name, value in request.query.items() if name != "cursor"]
            following = urlencode([*others, ("cursor", str(start + limit))])
            response.headers["Link"] = f'<{self.url}/models?{following}>; rel="next"'
        return response

    async def _info(self, request: web.Request) -> web.Response:
        model = self._model(request)
        self._check_revision(request, model)
        with_sizes, expanded = request.query.get("blobs") in ("true", "1"), request.query.getall("expand", [])
        if not expanded:
            return web.json_response(shapes.fields(model, shapes.DETAILS, with_sizes=with_sizes))
        if with_sizes or not set(expanded) <= set(shapes.DETAILS):
            raise HubError(400, "Invalid expand parameter")
        return web.json_response(shapes.fields(model, [*shapes.ALWAYS, *expanded]))

    async def _resolve(self, request: web.Request) -> web.Response:
        """Small files are redirected to the Hub's own cache, by a path; large ones to another host."""
        model, path = self._readable(request)
        headers = {"X-Repo-Commit": model.sha, "ETag": f'"{model.sha}"'}
        if path not in _texts(model):
            elsewhere = f"https://cas-bridge.xethub.hf.co/{model.id}/{path}"
            return web.Response(status=302, headers=headers | {"Location": elsewhere})
        query = urlencode({request.path: "", "etag": headers["ETag"]})
        cache = f"/api/resolve-cache/models/{model.id}/{model.sha}/{path}?{query}"
        return web.Response(status=307, headers=headers | {"Location": cache})

    async def _file(self, request: web.Request) -> web.Response:
        model, path = self._readable(request)
        if path not in _texts(model):
            raise HubError(404, "Entry not found", "EntryNotFound")
        text = json.dumps(_texts(model)[path], indent=2)
        return web.Response(text=text, content_type="text/plain", headers={"X-Repo-Commit": model.sha})

    def _readable(self, request: web.Request) -> tuple[HubModel, str]:
        """The repository and the file in it that the path names, if the sender may read it."""
        model, path = self._model(request), request.match_info["path"]
        if model.gated:
            self._check_gate(request, model)
        self._check_revision(request, model)
        if path not in model.files:
            raise HubError(404, "Entry not found", "EntryNotFound")
        return model, path

    def _model(self, request: web.Request) -> HubModel:
        """A private repository looks to a stranger like one that is not there; both are 401 to who shows no token."""
        model_id = f"{request.match_info['author']}/{request.match_info['name']}"
        model, is_member = self.models.get(model_id.lower()), self._is_member(request)
        if model is None or (model.is_private and not is_member):
            raise HubError(404 if is_member else 401, "Repository not found", "RepoNotFound")
        return model

    def _check_gate(self, request: web.Request, model: HubModel) -> None:
        if not self._is_member(request):
            raise HubError(
                401,
                f"Access to model {model.id} is restricted. You must have access to it and be authenticated to access"
                " it. Please log in.",
                "GatedRepo",
            )
        if model.author not in self.accepted:
            raise HubError(
                403,
                f"Access to model {model.id} is restricted and you are not in the authorized list. Visit"
                f" https://huggingface.co/{model.id} to ask for access.",
                "GatedRepo",
            )

    def _check_revision(self, request: web.Request, model: HubModel) -> None:
        revision = request.match_info.get("revision", "main")
        if revision not in ("main", model.sha):
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def _is_member(self, request: web.Request) -> bool:
        """Raises HubError for a token that is none, such as `Bearer undefined`."""
        authorization = request.headers.get("Authorization")
        if authorization not in (None, f"Bearer {self.token}"):
            raise HubError(401, "Invalid credentials in Authorization header")
        return authorization is not None

    def _door(self) -> Middleware:
        @web.middleware
        async def pass_on(request: web.Request, handler: Handler) -> web.StreamResponse:
            has_token = "Authorization" in request.headers
            self.requests.append(HubRequest(path=request.path, query=request.query_string, has_token=has_token))
            if self.faults.options(FaultName.DOWN) is not None:
                page = "<!DOCTYPE html><html><body><h1>503</h1><p>We are down for maintenance.</p></body></html>"
                return web.Response(status=503, text=page, content_type="text/html")
            if (limited := self.faults.options(FaultName.RATE_LIMITS)) is not None:
                headers = {"RateLimit": f'"api";r=0;t={limited["seconds"]}'}
                headers["RateLimit-Policy"] = '"fixed window";"api";q=500;w=300'
                return web.json_response({"error": "We had to rate limit you."}, status=429, headers=headers)
            try:
                self._is_member(request)
                return await handler(request)
            except HubError as error:
                return _refusal(error)

        return pass_on


def _texts(model: HubModel) -> dict[str, Any]:
    """The files that have a content here."""
    return {"config.json": model.config, "tokenizer_config.json": model.tokenizer_config}


def _refusal(error: HubError) -> web.Response:
    headers = {"X-Error-Message": error.text}
    if error.code is not None:
        headers["X-Error-Code"] = error.code
    return web.json_response({"error": error.text}, status=error.status, headers=headers)
