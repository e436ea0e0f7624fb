"""Hugging Face's Hub: what a model's publisher tells of it. See reference tgi-api.md 11."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import httpx

from core.catalog.errors import HubTokenRefusedError
from core.catalog.model import HubAnswer
from core.catalog.ports import ModelHub
from core.catalog.published import check_model_id, is_model_id, revision_of, writes_text
from core.clock import Clock
from core.errors import InvalidInputError, NotFoundError, UnavailableError
from providers.http import Answer, HttpService

PAGE = 100
MOST_PAGES = 10
_CACHE_PATH = re.compile(r"/api/resolve-cache/models/[A-Za-z0-9._/-]+")

Json = Mapping[str, object]


class HuggingFace(ModelHub):
    """Calls no host but that of `api_url`, and sends a token only there."""

    def __init__(self, *, api_url: str, token: str | None, organisation: str | None, clock: Clock) -> None:
        """`api_url` ends with `/api`, as HF_API_URL does. `token` and `organisation` are HF_TOKEN and HF_ORG."""
        self._root = api_url.rstrip("/").removesuffix("/api")
        self._token = token
        self._organisation = organisation
        # No header at all without a token: an empty one is a 401.
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._service = HttpService(name="Hugging Face", base_url=self._root, clock=clock, headers=headers)

    async def model(self, model_id: str) -> HubAnswer:
        organisation, name = check_model_id(model_id).split("/")
        answer = await self._service.read(
            "/api/models/{organisation}/{name}", parameters={"blobs": "true"}, organisation=organisation, name=name
        )
        info = _document(self._accepted(answer))
        revision = revision_of(info) or "main"
        config = await self._file(organisation, name, revision, "config.json")
        return HubAnswer(info=info, config=config, tokenizer=await self._tokenizer(info, organisation, name, revision))

    async def organisation_models(self) -> Sequence[str]:
        if not self._token or not self._organisation:
            return ()
        parameters = {"author": self._organisation, "limit": str(PAGE)}
        found: dict[str, None] = {}
        for _ in range(MOST_PAGES):
            answer = self._accepted(await self._service.read("/api/models", parameters=parameters))
            for row in _rows(answer):
                model_id = row.get("id") or row.get("modelId")
                if isinstance(model_id, str) and is_model_id(model_id) and writes_text(row):
                    found[model_id] = None
            cursor = _next_cursor(answer.headers)
            if cursor is None:
                break
            parameters = {**parameters, "cursor": cursor}
        return list(found)

    async def aclose(self) -> None:
        await self._service.aclose()

    async def _tokenizer(self, info: Json, organisation: str, name: str, revision: str) -> Json | None:
        """The Hub repeats the part that matters among the information; else the file is read."""
        config = info.get("config")
        told = cast("Json", config).get("tokenizer_config") if isinstance(config, dict) else None
        if isinstance(told, dict):
            return cast("Json", told)
        return await self._file(organisation, name, revision, "tokenizer_config.json")

    async def _file(self, organisation: str, name: str, revision: str, file: str) -> Json | None:
        """A small JSON file of the repository; None if there is none."""
        answer = await self._service.read(
            "/{organisation}/{name}/resolve/{revision}/{file}",
            organisation=organisation,
            name=name,
            revision=revision,
            file=file,
        )
        if 300 <= answer.status < 400:
            answer = await self._from_cache(answer)
        if answer.status == 404:
            return None
        return _document(self._accepted(answer))

    async def _from_cache(self, redirect: Answer) -> Answer:
        """The Hub keeps small files at another path of its own, to which it redirects; elsewhere we do not follow."""
        target: str = redirect.headers.get("location", "")
        try:
            location = urlsplit(target)
        except ValueError as error:
            raise _unexpected() from error
        root = urlsplit(self._root)
        is_ours = (location.scheme, location.netloc) in (("", ""), (root.scheme, root.netloc))
        if not is_ours or not _CACHE_PATH.fullmatch(location.path) or ".." in location.path:
            raise _unexpected()
        return await self._service.read(
            location.path, parameters=dict(parse_qsl(location.query, keep_blank_values=True))
        )

    def _accepted(self, answer: Answer) -> Answer:
        """Raises NotFoundError, InvalidInputError, UnavailableError for all but a 200."""
        if answer.status == 200:
            return answer
        code = answer.headers.get("x-error-code")
        if code == "GatedRepo":
            raise InvalidInputError(self._gated(), field="model")
        if code in ("RepoNotFound", "RevisionNotFound") or answer.status == 404 or 300 <= answer.status < 400:
            raise NotFoundError(
                "Hugging Face has no such model"
                + (", or HF_TOKEN may not see it." if self._token else ", or it is private, and HF_TOKEN is not set.")
            )
        if answer.status in (401, 403):
            raise HubTokenRefusedError
        raise _unexpected()

    def _gated(self) -> str:
        if self._token:
            return (
                "This model is gated: its licence has to be accepted on Hugging Face by the holder of HF_TOKEN first."
            )
        return "This model is gated: whoever runs Prime has to accept its licence on Hugging Face and set HF_TOKEN."


def _document(answer: Answer) -> Json:
    document = _json(answer)
    if not isinstance(document, dict):
        raise _unexpected()
    return cast("Json", document)


def _rows(answer: Answer) -> Sequence[Json]:
    rows = _json(answer)
    if not isinstance(rows, list):
        raise _unexpected()
    return [cast("Json", row) for row in cast("list[object]", rows) if isinstance(row, dict)]


def _json(answer: Answer) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise _unexpected() from error


def _next_cursor(headers: httpx.Headers) -> str | None:
    """Where the next page begins; of the link that tells it nothing else is used."""
    links: str = headers.get("link", "")
    following = re.search(r'<[^>?]*\?([^>]*)>\s*;\s*rel="?next"?', links)
    return None if following is None else dict(parse_qsl(following[1])).get("cursor")


def _unexpected() -> UnavailableError:
    return UnavailableError("Hugging Face is not answering as it should. Please try again in a minute.")
