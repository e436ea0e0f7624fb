"""What every cloud's adapter has to keep: the docstrings of `core.servers.ports.Provider`, sentence by sentence.

Inherit `ProviderContract` in a test module of yours and give it a fixture `cloud`; providers/README.md shows how."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum

import pytest

from core.servers.errors import (
    MachineBusyError,
    MachineNotFoundError,
    NoCapacityError,
    OrderRefusedError,
    OutcomeUnknownError,
    ProviderForbiddenError,
    ProviderUnavailableError,
    QuotaError,
    RateLimitedError,
)
from core.servers.model import Machine, MachineOrder, MachineState
from core.servers.ports import Provider

NOWHERE = "machine0nobody0has"
PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.02


class Fault(StrEnum):
    """What a stand-in may be able to play."""

    AWAY = "every call fails and does nothing"
    RATE_LIMITED = "every call is told to wait"
    QUOTA = "the account may not have another machine"
    REFUSED = "orders are refused as they are"
    NO_CAPACITY = "orders and starts find no machine"
    ORDER_LOST = "an order is taken and the connection breaks"
    ORDER_BROKEN = "an order is taken and answered with a 5xx"
    ORDER_FAILED = "an order is not taken and answered with a 5xx"
    PREPARATION_LOST = "what is stored before the order is stored and the connection breaks, once"
    POWER_LOST = "the next start or stop is done and the connection breaks"
    DELETION_LOST = "the next deletion of a machine is done and the connection breaks"
    VANISHED = "the newest machine disappears"
    SMALL_PAGES = "lists come in pages of two"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """An adapter with the stand-in that it talks to."""

    provider: Provider
    wrong_key: Provider
    """The same cloud with a key that nobody has."""
    order: MachineOrder
    """One that the cloud takes."""
    machines: Callable[[], Sequence[str]]
    """The names of the machines that are there, as the cloud itself knows them."""
    prepared: Callable[[], Mapping[str, str]]
    """Name -> text of the startup scripts that the cloud holds."""
    addresses: Callable[[], int]
    """How many static addresses it charges for."""
    other_team: Provider | None = None
    unpriced_type: str | None = None
    """One that the cloud offers and the price file lacks."""
    faults: Mapping[Fault, Callable[[], AbstractContextManager[None]]] = field(
        default_factory=dict[Fault, Callable[[], AbstractContextManager[None]]]
    )

    def playing(self, fault: Fault) -> AbstractContextManager[None]:
        if fault not in self.faults:
            pytest.skip(f"the stand-in cannot play: {fault}")
        return self.faults[fault]()

    async def until(self, machine: Machine, state: MachineState) -> Machine:
        """The machine when it is there."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                now = await self.provider.get(machine.id)
                if now.state is state:
                    return now
                await asyncio.sleep(LOOK_SECONDS)

    async def until_gone(self, machine: Machine) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    await self.provider.get(machine.id)
                except MachineNotFoundError:
                    return
                await asyncio.sleep(LOOK_SECONDS)

    async def ask(self, change: Callable[[], Awaitable[None]]) -> None:
        """Again while the machine is busy, as the port allows."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await change()
                except MachineBusyError:
                    await asyncio.sleep(LOOK_SECONDS)

    async def running(self) -> Machine:
        return await self.until(await self.provider.create(self.order), MachineState.RUNNING)

    async def stopped(self) -> Machine:
        machine = await self.running()
        await self.ask(lambda: self.provider.stop(machine.id))
        return await self.until(machine, MachineState.OFF)


CALLS: dict[str, Callable[[Cloud, Provider], Awaitable[object]]] = {
    "check_credentials": lambda _, provider: provider.check_credentials(),
    "offers": lambda _, provider: provider.offers(),
    "get": lambda _, provider: provider.get(NOWHERE),
    "list": lambda _, provider: provider.list(),
    "create": lambda cloud, provider: provider.create(cloud.order),
    "start": lambda _, provider: provider.start(NOWHERE),
    "stop": lambda _, provider: provider.stop(NOWHERE),
    "delete": lambda _, provider: provider.delete(NOWHERE),
    "clear_away": lambda cloud, provider: provider.clear_away(cloud.order.name),
    "replace_startup_script": lambda cloud, provider: provider.replace_startup_script(cloud.order.name, "true\n"),
}


class ProviderContract:
    # --- every method

    @pytest.mark.parametrize("call", CALLS)
    async def test_a_wrong_key_is_forbidden(self, call: str, cloud: Cloud) -> None:
        with pytest.raises(ProviderForbiddenError):
            await CALLS[call](cloud, cloud.wrong_key)

    @pytest.mark.parametrize("call", CALLS)
    async def test_a_limit_is_told_as_such_and_nothing_is_ordered(self, call: str, cloud: Cloud) -> None:
        with cloud.playing(Fault.RATE_LIMITED), pytest.raises(RateLimitedError):
            await CALLS[call](cloud, cloud.provider)
        assert cloud.machines() == []

    @pytest.mark.parametrize("call", CALLS)
    async def test_a_cloud_that_is_away_is_unavailable(self, call: str, cloud: Cloud) -> None:
        with cloud.playing(Fault.AWAY), pytest.raises((ProviderUnavailableError, OutcomeUnknownError)) as caught:
            await CALLS[call](cloud, cloud.provider)
        assert call == "create" or isinstance(caught.value, ProviderUnavailableError)
        assert cloud.machines() == []

    # --- reading

    async def test_a_key_has_an_account_with_a_name(self, cloud: Cloud) -> None:
        assert await cloud.provider.check_credentials()

    async def test_offers_are_of_this_cloud_each_once_and_with_what_an_order_needs(self, cloud: Cloud) -> None:
        offers = {offer.type: offer for offer in await cloud.provider.offers()}

        assert {offer.provider for offer in offers.values()} == {cloud.provider.type}
        assert len(offers) == len(await cloud.provider.offers())
        ordered = offers[cloud.order.type]
        assert cloud.order.region in ordered.regions
        assert cloud.order.template_id in {template.id for template in ordered.templates}
        assert ordered.gpu is not None

    async def test_a_type_without_a_known_price_is_offered(self, cloud: Cloud) -> None:
        if cloud.unpriced_type is None:
            pytest.skip("the stand-in has no type that the price file lacks")
        offers = {offer.type: offer for offer in await cloud.provider.offers()}
        assert offers[cloud.unpriced_type].price_usd_per_hour is None

    async def test_a_machine_that_the_cloud_does_not_know_is_not_found(self, cloud: Cloud) -> None:
        for call in (cloud.provider.get, cloud.provider.start, cloud.provider.stop):
            with pytest.raises(MachineNotFoundError):
                await call(NOWHERE)

    async def test_a_machine_is_listed_by_exactly_its_name(self, cloud: Cloud) -> None:
        names = [cloud.order.name, f"{cloud.order.name}-2", f"a-{cloud.order.name}"]
        made = [await cloud.provider.create(replace(cloud.order, name=name)) for name in names]

        assert [found.id for found in await cloud.provider.list(name=cloud.order.name)] == [made[0].id]
        assert {found.id for found in await cloud.provider.list()} == {machine.id for machine in made}
        assert await cloud.provider.list(name=cloud.order.name.upper()) == []
        assert await cloud.provider.list(name=f"{cloud.order.name}-3") == []

    async def test_a_list_is_complete_however_it_is_paged(self, cloud: Cloud) -> None:
        names = [f"{cloud.order.name}-{number}" for number in range(5)]
        for name in names:
            await cloud.provider.create(replace(cloud.order, name=name))
        with cloud.playing(Fault.SMALL_PAGES):
            assert sorted(machine.name for machine in await cloud.provider.list()) == names
            assert len(await cloud.provider.list(name=names[0])) == 1

    async def test_teams_do_not_see_each_others_machines(self, cloud: Cloud) -> None:
        if cloud.other_team is None:
            pytest.skip("the stand-in has one team")
        machine = await cloud.provider.create(cloud.order)
        assert await cloud.other_team.list() == []
        with pytest.raises((MachineNotFoundError, ProviderForbiddenError)):
            await cloud.other_team.get(machine.id)

    # --- ordering

    async def test_an_order_becomes_a_machine_that_starts_by_itself(self, cloud: Cloud) -> None:
        ordered = await cloud.provider.create(cloud.order)
        assert ordered.id
        assert (ordered.name, ordered.type, ordered.region) == (
            cloud.order.name,
            cloud.order.type,
            cloud.order.region,
        )

        running = await cloud.until(ordered, MachineState.RUNNING)
        assert running.id == ordered.id
        assert running.address is not None
        assert not running.has_static_address
        assert cloud.prepared() == {cloud.order.name: cloud.order.startup_script}

    async def test_a_static_address_is_part_of_the_order(self, cloud: Cloud) -> None:
        ordered = await cloud.provider.create(replace(cloud.order, static_address=True))
        assert (await cloud.until(ordered, MachineState.RUNNING)).has_static_address
        assert cloud.addresses() == 1

    async def test_two_orders_are_two_machines_so_the_caller_looks_first(self, cloud: Cloud) -> None:
        await cloud.provider.create(cloud.order)
        await cloud.provider.create(cloud.order)
        assert len(await cloud.provider.list(name=cloud.order.name)) == len(cloud.machines()) == 2
        assert len(cloud.prepared()) == 1

    @pytest.mark.parametrize("fault", [Fault.ORDER_LOST, Fault.ORDER_BROKEN])
    async def test_an_order_whose_reply_was_lost_is_found_by_its_name_and_is_there_once(
        self, fault: Fault, cloud: Cloud
    ) -> None:
        with cloud.playing(fault), pytest.raises(OutcomeUnknownError):
            await cloud.provider.create(cloud.order)
        (found,) = await cloud.provider.list(name=cloud.order.name)
        assert (await cloud.until(found, MachineState.RUNNING)).name == cloud.order.name
        assert cloud.machines() == [cloud.order.name]

    async def test_an_order_that_failed_may_be_given_again(self, cloud: Cloud) -> None:
        with cloud.playing(Fault.ORDER_FAILED), pytest.raises(OutcomeUnknownError):
            await cloud.provider.create(cloud.order)
        assert await cloud.provider.list(name=cloud.order.name) == []
        await cloud.provider.create(cloud.order)
        assert cloud.machines() == [cloud.order.name]
        assert list(cloud.prepared()) == [cloud.order.name]

    async def test_what_an_earlier_try_prepared_is_found_again(self, cloud: Cloud) -> None:
        with cloud.playing(Fault.PREPARATION_LOST):
            with pytest.raises(ProviderUnavailableError):
                await cloud.provider.create(cloud.order)
            assert cloud.machines() == []
            await cloud.provider.create(replace(cloud.order, startup_script="#!/bin/bash\ntrue later\n"))
        assert cloud.prepared() == {cloud.order.name: "#!/bin/bash\ntrue later\n"}

    @pytest.mark.parametrize(("fault", "error"), [(Fault.QUOTA, QuotaError), (Fault.REFUSED, OrderRefusedError)])
    async def test_a_definite_refusal_ordered_nothing(self, fault: Fault, error: type[Exception], cloud: Cloud) -> None:
        with cloud.playing(fault), pytest.raises(error):
            await cloud.provider.create(cloud.order)
        assert cloud.machines() == []

    async def test_without_capacity_an_order_is_refused_or_its_machine_stays_off(self, cloud: Cloud) -> None:
        with cloud.playing(Fault.NO_CAPACITY):
            try:
                ordered = await cloud.provider.create(cloud.order)
            except NoCapacityError:
                assert cloud.machines() == []
            else:
                await cloud.until(ordered, MachineState.OFF)

    # --- running

    async def test_a_stop_may_be_repeated_and_ends_in_off(self, cloud: Cloud) -> None:
        machine = await cloud.running()
        await cloud.provider.stop(machine.id)
        await cloud.provider.stop(machine.id)
        off = await cloud.until(machine, MachineState.OFF)
        await cloud.provider.stop(machine.id)
        assert off.name == cloud.order.name

    async def test_a_start_may_be_repeated_and_ends_in_running(self, cloud: Cloud) -> None:
        machine = await cloud.stopped()
        await cloud.provider.start(machine.id)
        await cloud.provider.start(machine.id)
        running = await cloud.until(machine, MachineState.RUNNING)
        await cloud.provider.start(machine.id)
        assert running.address is not None

    async def test_what_is_on_its_way_up_can_be_stopped_in_the_end(self, cloud: Cloud) -> None:
        machine = await cloud.provider.create(cloud.order)
        await cloud.ask(lambda: cloud.provider.stop(machine.id))
        await cloud.until(machine, MachineState.OFF)

    async def test_what_is_on_its_way_down_can_be_started_in_the_end(self, cloud: Cloud) -> None:
        machine = await cloud.running()
        await cloud.provider.stop(machine.id)
        await cloud.ask(lambda: cloud.provider.start(machine.id))
        await cloud.until(machine, MachineState.RUNNING)

    async def test_a_start_or_stop_whose_reply_was_lost_is_repeated(self, cloud: Cloud) -> None:
        machine = await cloud.running()
        for change, end in ((cloud.provider.stop, MachineState.OFF), (cloud.provider.start, MachineState.RUNNING)):
            with cloud.playing(Fault.POWER_LOST), pytest.raises(ProviderUnavailableError):
                await change(machine.id)
            await change(machine.id)
            await cloud.until(machine, end)

    async def test_without_capacity_a_start_is_refused_or_the_machine_is_off_again(self, cloud: Cloud) -> None:
        machine = await cloud.stopped()
        with cloud.playing(Fault.NO_CAPACITY):
            with suppress(NoCapacityError):
                await cloud.provider.start(machine.id)
            await cloud.until(machine, MachineState.OFF)
        await cloud.provider.start(machine.id)
        await cloud.until(machine, MachineState.RUNNING)

    # --- deleting

    async def test_a_machine_is_deleted_with_its_static_address(self, cloud: Cloud) -> None:
        machine = await cloud.provider.create(replace(cloud.order, static_address=True))
        await cloud.until(machine, MachineState.RUNNING)
        await cloud.ask(lambda: cloud.provider.delete(machine.id))
        await cloud.until_gone(machine)
        assert (list(cloud.machines()), cloud.addresses()) == ([], 0)
        assert await cloud.provider.list() == []

    async def test_a_deletion_may_be_repeated(self, cloud: Cloud) -> None:
        machine, other = await cloud.running(), await cloud.provider.create(replace(cloud.order, name="other"))
        await cloud.ask(lambda: cloud.provider.delete(machine.id))
        await cloud.ask(lambda: cloud.provider.delete(machine.id))
        await cloud.until_gone(machine)
        await cloud.provider.delete(machine.id)
        await cloud.provider.delete(NOWHERE)
        assert (await cloud.provider.get(other.id)).name == "other"

    async def test_what_is_stopped_or_on_its_way_up_can_be_deleted(self, cloud: Cloud) -> None:
        for machine in (await cloud.stopped(), await cloud.provider.create(replace(cloud.order, name="second"))):
            await cloud.ask(lambda machine=machine: cloud.provider.delete(machine.id))
            await cloud.until_gone(machine)
        assert cloud.machines() == []

    async def test_a_deletion_whose_reply_was_lost_is_repeated(self, cloud: Cloud) -> None:
        machine = await cloud.provider.create(replace(cloud.order, static_address=True))
        with cloud.playing(Fault.DELETION_LOST), pytest.raises(ProviderUnavailableError):
            await cloud.provider.delete(machine.id)
        await cloud.ask(lambda: cloud.provider.delete(machine.id))
        await cloud.until_gone(machine)
        assert (list(cloud.machines()), cloud.addresses()) == ([], 0)

    async def test_a_machine_that_vanished_is_not_found_and_its_address_goes(self, cloud: Cloud) -> None:
        machine = await cloud.provider.create(replace(cloud.order, static_address=True))
        with cloud.playing(Fault.VANISHED):
            pass
        with pytest.raises(MachineNotFoundError):
            await cloud.provider.get(machine.id)
        assert await cloud.provider.list() == []
        await cloud.ask(lambda: cloud.provider.delete(machine.id))
        assert cloud.addresses() == 0

    async def test_clearing_away_deletes_what_was_made_for_exactly_this_name(self, cloud: Cloud) -> None:
        other = replace(cloud.order, name=f"{cloud.order.name}-2")
        machine = await cloud.provider.create(cloud.order)
        await cloud.provider.create(other)
        await cloud.ask(lambda: cloud.provider.delete(machine.id))
        await cloud.ask(lambda: cloud.provider.clear_away(cloud.order.name))
        await cloud.provider.clear_away(cloud.order.name)
        assert list(cloud.prepared()) == [other.name]
        assert len(await cloud.provider.list(name=other.name)) == 1

    async def test_what_an_order_that_came_to_nothing_prepared_can_be_cleared_away(self, cloud: Cloud) -> None:
        with cloud.playing(Fault.QUOTA), pytest.raises(QuotaError):
            await cloud.provider.create(cloud.order)
        await cloud.provider.clear_away(cloud.order.name)
        assert cloud.prepared() == {}

    async def test_another_script_takes_the_place_of_the_one_with_secrets(self, cloud: Cloud) -> None:
        await cloud.provider.create(cloud.order)
        for _ in range(2):
            await cloud.provider.replace_startup_script(cloud.order.name, "#!/bin/bash\ntrue without\n")
            assert cloud.prepared() == {cloud.order.name: "#!/bin/bash\ntrue without\n"}
        await cloud.provider.replace_startup_script("nobody", "#!/bin/bash\n")
        assert len(cloud.prepared()) == 1
