"""The provider port on Paperspace."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from core.catalog.model import Offer
from core.servers.errors import (
    MachineBusyError,
    MachineNotFoundError,
    OutcomeUnknownError,
    ProviderForbiddenError,
    ProviderUnavailableError,
)
from core.servers.model import Machine, MachineOrder, MachineState
from core.servers.ports import Provider
from providers.paperspace.client import NAME, PaperspaceClient, RefusedError
from providers.paperspace.offers import TYPE, read_offers
from providers.paperspace.refusals import change_error, order_error, script_error, start_error
from providers.paperspace.wire import Script
from providers.registry import ProviderFactory, ProviderSettings

_UP = (MachineState.RUNNING, MachineState.STARTING, MachineState.PROVISIONING)
_DOWN = (MachineState.OFF, MachineState.STOPPING)


class Paperspace(Provider):
    def __init__(self, key: str, settings: ProviderSettings) -> None:
        self._client = PaperspaceClient(key, base_url=settings.base_url, clock=settings.clock)

    @property
    def type(self) -> str:
        return TYPE

    async def check_credentials(self) -> str:
        account = await self._client.account()
        if account is None:
            raise ProviderForbiddenError(f"{NAME} does not know this key. Make one in the team's settings there.")
        return account

    async def offers(self) -> Sequence[Offer]:
        return await read_offers(self._client)

    async def get(self, machine_id: str) -> Machine:
        machine = await self._client.machine(machine_id)
        if machine is None:
            raise _not_found()
        return machine

    async def list(self, *, name: str | None = None) -> Sequence[Machine]:
        return [machine for machine in await self._client.machines() if name is None or machine.name == name]

    async def create(self, order: MachineOrder) -> Machine:
        with _repeatable():
            script_id = await self._stored_script(order)
        try:
            return await self._client.order(
                {
                    "name": order.name,
                    "machineType": order.type,
                    "region": order.region,
                    "templateId": order.template_id,
                    "diskSize": order.disk_gb,
                    "startupScriptId": script_id,
                    "publicIpType": "static" if order.static_address else "dynamic",
                    "startOnCreate": True,
                    # Paperspace's defaults are not documented; each of these would cost a machine or money.
                    "autoShutdownEnabled": False,
                    "autoSnapshotEnabled": False,
                    "takeInitialSnapshot": False,
                    "emailPassword": False,
                }
            )
        except RefusedError as refusal:
            raise order_error(refusal, order) from refusal

    async def start(self, machine_id: str) -> None:
        await self._power(machine_id, "start", reached=_UP, on_the_way_back=(MachineState.STOPPING,))

    async def stop(self, machine_id: str) -> None:
        on_the_way_up = (MachineState.STARTING, MachineState.PROVISIONING)
        await self._power(machine_id, "stop", reached=_DOWN, on_the_way_back=on_the_way_up)

    async def delete(self, machine_id: str, *, static_address: str | None = None) -> None:
        with _repeatable():
            addresses = {
                address.ip
                for address in await self._client.addresses()
                if address.machine_id == machine_id or address.ip == static_address
            }
            # Released first where the cloud lets us: once the machine is gone, nothing may tell whose they were.
            held = [ip for ip in sorted(addresses) if not await self._has_released(ip)]
            await self._delete_machine(machine_id)
            for ip in held:
                if not await self._has_released(ip):
                    raise MachineBusyError(f"{NAME} keeps the machine's static address just now. Prime asks again.")

    async def clear_away(self, name: str) -> None:
        with _repeatable():
            for script in await self._scripts(name):
                await self._delete_script(script)

    async def replace_startup_script(self, name: str, script: str) -> None:
        with _repeatable():
            for stored in await self._scripts(name):
                await self._put_script(stored, script)

    async def aclose(self) -> None:
        await self._client.aclose()

    # --- scripts

    async def _stored_script(self, order: MachineOrder) -> str:
        """The id of the order's script, which an earlier try may have stored."""
        for script in await self._scripts(order.name):
            if await self._put_script(script, order.startup_script):
                return script.id
        try:
            return (await self._client.add_script(order.name, order.startup_script)).id
        except RefusedError as refusal:
            raise script_error(refusal) from refusal

    async def _scripts(self, name: str) -> Sequence[Script]:
        return [script for script in await self._client.scripts() if script.name == name]

    async def _put_script(self, script: Script, text: str) -> bool:
        """Whether it is still there."""
        try:
            await self._client.put_script(script.id, text)
        except RefusedError as refusal:
            if refusal.is_not_found:
                return False
            raise script_error(refusal) from refusal
        return True

    async def _delete_script(self, script: Script) -> None:
        try:
            await self._client.delete_script(script.id)
        except RefusedError as refusal:
            if not refusal.is_not_found:
                raise change_error(refusal, "keeps the machine's startup script") from refusal

    # --- machines

    async def _power(
        self,
        machine_id: str,
        verb: str,
        *,
        reached: Sequence[MachineState],
        on_the_way_back: Sequence[MachineState],
    ) -> None:
        """Looks first: what Paperspace says to a start of what runs, or a stop of what is off, is not documented."""
        state = (await self.get(machine_id)).state
        if state in reached:
            return
        if state in on_the_way_back:
            raise MachineBusyError(f"{NAME} says that the machine is {state}. Prime asks again.")
        try:
            with _repeatable():
                await self._client.power(machine_id, verb)
        except RefusedError as refusal:
            if refusal.is_not_found:
                raise _not_found() from refusal
            if (await self.get(machine_id)).state not in reached:
                raise (
                    start_error(refusal) if verb == "start" else change_error(refusal, "does not stop the machine")
                ) from refusal

    async def _delete_machine(self, machine_id: str) -> None:
        try:
            await self._client.delete_machine(machine_id)
        except RefusedError as refusal:
            if not refusal.is_not_found:
                raise change_error(refusal, "does not delete the machine") from refusal

    async def _has_released(self, ip: str) -> bool:
        try:
            await self._client.release_address(ip)
        except RefusedError as refusal:
            if refusal.is_html or refusal.status == 403:
                raise change_error(refusal, "does not release the static address") from refusal
            return refusal.is_not_found
        return True


@contextmanager
def _repeatable() -> Generator[None]:
    """For what may be asked again whatever became of it."""
    try:
        yield
    except OutcomeUnknownError as error:
        raise ProviderUnavailableError(f"{NAME} is not answering as it should. Prime asks again.") from error


def _not_found() -> MachineNotFoundError:
    return MachineNotFoundError(f"{NAME} does not know this machine.")


factory = ProviderFactory(label=NAME, open=Paperspace)
