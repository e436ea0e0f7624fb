"""Paperspace's API v1: its URLs, its statuses, its pages."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from core.clock import Clock
from core.servers.errors import OutcomeUnknownError, ProviderForbiddenError, ProviderUnavailableError
from core.servers.model import Machine
from providers.http import Answer, HttpService
from providers.paperspace.wire import (
    Address,
    OsTemplate,
    Script,
    UnexpectedAnswerError,
    read_account,
    read_address,
    read_availability,
    read_machine,
    read_ordered,
    read_page,
    read_refusal,
    read_script,
    read_template,
)

NAME = "Paperspace"
BASE_URL = "https://api.paperspace.com/v1"
PAGE_SIZE = 120
MOST_PAGES = 50
MOST_WORDS = 500


class RefusedError(Exception):
    """A change that was not made: 4xx other than 401, 408, 429, 499."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.status = answer.status
        self.is_html = answer.is_html
        """The firewall's page: the API has not seen the request."""
        self.words = "" if answer.is_html else _words(answer)
        """The cloud's own, for telling refusals apart; they may quote what was sent."""

    @property
    def is_not_found(self) -> bool:
        return self.status == 404 and not self.is_html


_Item = TypeVar("_Item")


class PaperspaceClient:
    """Reads raise ProviderForbiddenError, RateLimitedError, ProviderUnavailableError. Changes raise RefusedError and
    OutcomeUnknownError besides."""

    def __init__(self, key: str, *, base_url: str | None, clock: Clock) -> None:
        self._http = HttpService(
            name=NAME, base_url=base_url or BASE_URL, clock=clock, headers={"Authorization": f"Bearer {key}"}
        )

    async def account(self) -> str | None:
        """Of the key; None for what is no key."""
        return self._parsed(read_account, await self._read("/auth/session"))

    async def machines(self) -> list[Machine]:
        """All of the team. The API's filter by name is loose, and how is not documented: it is not used."""
        machines = [self._parsed(read_machine, item) for item in await self._pages("/machines")]
        return list({machine.id: machine for machine in machines if machine is not None}.values())

    async def machine(self, machine_id: str) -> Machine | None:
        """None if the cloud knows none. It has answered `null` in place of 404 elsewhere."""
        answer = await self._http.read("/machines/{id}", id=machine_id)
        if answer.status == 404 and not answer.is_html:
            return None
        found = self._content(answer)
        return None if found is None else self._parsed(read_machine, found)

    async def order(self, body: dict[str, Any]) -> Machine:
        return self._changed(read_ordered, await self._change("POST", "/machines", body=body))

    async def power(self, machine_id: str, verb: str) -> None:
        """`start` or `stop`. A content type without a body is refused, so neither is sent."""
        await self._change("PATCH", f"/machines/{{id}}/{verb}", id=machine_id)

    async def delete_machine(self, machine_id: str) -> None:
        await self._change("DELETE", "/machines/{id}", id=machine_id)

    async def scripts(self) -> list[Script]:
        return [self._parsed(read_script, item) for item in await self._pages("/startup-scripts")]

    async def add_script(self, name: str, text: str) -> Script:
        body = {"name": name, "script": text, "isRunOnce": False}
        return self._changed(read_script, await self._change("POST", "/startup-scripts", body=body))

    async def put_script(self, script_id: str, text: str) -> None:
        await self._change("PUT", "/startup-scripts/{id}", body={"script": text}, id=script_id)

    async def delete_script(self, script_id: str) -> None:
        await self._change("DELETE", "/startup-scripts/{id}", id=script_id)

    async def addresses(self) -> list[Address]:
        """The static ones of the team."""
        return [self._parsed(read_address, item) for item in await self._pages("/public-ips")]

    async def release_address(self, ip: str) -> None:
        await self._change("DELETE", "/public-ips/{ip}", ip=ip)

    async def templates(self) -> list[OsTemplate]:
        return [self._parsed(read_template, item) for item in await self._pages("/os-templates")]

    async def is_available(self, machine_type: str, region: str) -> bool | None:
        """None where the cloud has no answer for this type and region."""
        parameters = {"machineType": machine_type, "region": region}
        answer = await self._http.read("/machine-availability", parameters=parameters)
        if answer.status in (400, 404) and not answer.is_html:
            return None
        return self._parsed(read_availability, self._content(answer))

    async def aclose(self) -> None:
        await self._http.aclose()

    # --- answers

    async def _pages(self, route: str) -> list[Mapping[str, Any]]:
        """The items of every page, or an error: a list that came short would hide machines."""
        items: list[Mapping[str, Any]] = []
        after: str | None = None
        for _ in range(MOST_PAGES):
            parameters = {"limit": str(PAGE_SIZE)} | ({"after": after} if after else {})
            page = self._parsed(read_page, await self._read(route, parameters))
            items += page.items
            if page.after is None:
                return items
            if page.after == after:
                break
            after = page.after
        raise _unexpected()

    async def _read(self, route: str, parameters: dict[str, str] | None = None) -> Any:
        return self._content(await self._http.read(route, parameters=parameters))

    def _content(self, answer: Answer) -> Any:
        if answer.status == 401 or (answer.status == 403 and not answer.is_html):
            raise _forbidden()
        if answer.status != 200:
            raise _unexpected()
        try:
            return answer.json()
        except ValueError as error:
            raise _unexpected() from error

    async def _change(self, method: str, route: str, *, body: dict[str, Any] | None = None, **ids: str) -> Answer:
        answer = await self._http.change(method, route, body=body, **ids)
        if answer.status == 401:
            raise _forbidden()
        if 400 <= answer.status < 500:
            raise RefusedError(answer)
        if answer.status != 200 or answer.is_html:
            raise _outcome_unknown()
        return answer

    def _parsed(self, read: Callable[[Any], _Item], value: Any) -> _Item:
        try:
            return read(value)
        except UnexpectedAnswerError as error:
            raise _unexpected() from error

    def _changed(self, read: Callable[[Any], _Item], answer: Answer) -> _Item:
        try:
            return read(answer.json())
        except (UnexpectedAnswerError, ValueError) as error:
            raise _outcome_unknown() from error


def _words(answer: Answer) -> str:
    try:
        return read_refusal(answer.json())[:MOST_WORDS]
    except (UnexpectedAnswerError, ValueError):
        return ""


def _forbidden() -> ProviderForbiddenError:
    return ProviderForbiddenError(
        f"{NAME} does not accept Prime's key for this. An ADMIN can give another with `/prime keys`."
    )


def _unexpected() -> ProviderUnavailableError:
    return ProviderUnavailableError(
        f"{NAME} answered with something else than was asked for. Please try again in a minute."
    )


def _outcome_unknown() -> OutcomeUnknownError:
    return OutcomeUnknownError(f"{NAME} did not say whether it did what was asked. Prime looks before it asks again.")
