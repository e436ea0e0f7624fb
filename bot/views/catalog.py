"""The catalogue: models, machines, templates and limits, a page at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from bot.ids import Action, Input, Modal
from bot.mrkdwn import code, escape, escape_cut
from bot.views.kit import (
    Block,
    actions,
    button,
    confirm,
    context,
    divider,
    labelled,
    modal,
    option,
    section,
    select,
    text_input,
)
from bot.views.money import per_hour
from core.catalog.model import Limit, ListedOffer, Model, Offer, Template, YesNo
from core.errors import NotFoundError

TITLE = "Catalogue"
SEARCH_LENGTH = 100
PAGE = 15
"""Lines; each is two blocks at most, of the hundred that a view takes."""

_HIDDEN = " :see_no_evil: *hidden*, not offered for new servers"
_FREE = {YesNo.YES: "free", YesNo.NO: "full", YesNo.UNKNOWN: "not known"}

T = TypeVar("T")


class Tab(StrEnum):
    MODELS = "models"
    MACHINES = "machines"
    TEMPLATES = "templates"
    LIMITS = "limits"


_TABS = {
    Tab.MODELS: Action.CATALOG_MODELS,
    Tab.MACHINES: Action.CATALOG_MACHINES,
    Tab.TEMPLATES: Action.CATALOG_TEMPLATES,
    Tab.LIMITS: Action.CATALOG_LIMITS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the catalogue somebody is."""

    tab: Tab = Tab.MODELS
    cloud: str = ""
    """Empty while no cloud has a key."""
    page: int = 0
    query: str = ""
    """Of models."""

    def __str__(self) -> str:
        """For a button's value or a modal's metadata; `parse_place` reads it."""
        return f"{self.tab}|{self.cloud}|{self.page}|{self.query}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is shown: of models, offers and limits those that the tab needs."""

    clouds: Mapping[str, str]
    """Those with a key -> what people call them."""
    can_edit: bool
    models: Sequence[Model] = ()
    offers: Sequence[ListedOffer] = ()
    hidden_templates: Collection[str] = ()
    limits: Sequence[Limit] = ()


def parse_place(text: object) -> Place:
    """Raises NotFoundError for what is none."""
    parts = str(text).split("|", maxsplit=3)
    if len(parts) == 4 and str(text).isprintable():
        tab, cloud, page, query = parts
        is_page = page.isascii() and page.isdigit() and len(page) <= 4
        if tab in list(Tab) and is_page and len(cloud) <= 60 and len(query) <= SEARCH_LENGTH:
            return Place(tab=Tab(tab), cloud=cloud, page=int(page), query=query)
    raise NotFoundError("This list is out of date. `/prime catalog` shows it anew.")


def parse_value(text: object) -> tuple[str, Place]:
    """What a button is about, and where it stands. Raises NotFoundError."""
    about, _, place = str(text).partition("|")
    return about, parse_place(place)


def build_catalog(place: Place, facts: Facts, *, note: str | None = None) -> dict[str, Any]:
    """`note` (mrkdwn) tells what has just been done."""
    blocks: list[Block] = [section(note)] if note else []
    blocks.append(actions(*(_tab(tab, place) for tab in Tab)))
    match place.tab:
        case Tab.MODELS:
            blocks += _models(place, facts)
        case Tab.MACHINES | Tab.TEMPLATES if not facts.clouds:
            blocks.append(section("There is no cloud yet: an ADMIN adds a cloud's key with `/prime keys`."))
        case Tab.MACHINES:
            blocks += _clouds(place, facts) + _machines(place, facts)
        case Tab.TEMPLATES:
            blocks += _clouds(place, facts) + _templates(place, facts)
        case Tab.LIMITS:
            blocks += _limits(place, facts)
    submit = "Search" if place.tab is Tab.MODELS else None
    return modal(Modal.CATALOG, TITLE, blocks, submit=submit, close="Close", private_metadata=str(place))


# --- tabs -----------------------------------------------------------------------------------------


def _models(place: Place, facts: Facts) -> list[Block]:
    search = text_input(
        Input.SEARCH, max_length=SEARCH_LENGTH, placeholder="Part of a name, then Search", initial=place.query
    )
    blocks: list[Block] = [labelled("Search", search, block_id=Input.SEARCH, optional=True)]
    if facts.can_edit:
        blocks.append(actions(button("Add model", Action.CATALOG_ADD_MODEL, value=str(place), style="primary")))
    found = "Models" if not place.query else f"Models with {code(place.query)}"
    shown, buttons = _page(place, facts.models)
    blocks.append(context(f"{found}: {len(facts.models)}. Any other of Hugging Face can be typed where one is chosen."))
    for model in shown:
        remove = _remove_model(model, place) if facts.can_edit else None
        blocks.append(section(_describe_model(model), accessory=remove))
    return blocks + buttons


def _machines(place: Place, facts: Facts) -> list[Block]:
    offers = _offers(facts)
    shown, buttons = _page(place, offers)
    blocks: list[Block] = [context(f"Machines: {len(offers)}. US dollars before taxes.")]
    for listed in shown:
        blocks.append(section(_describe_offer(listed)))
        if facts.can_edit:
            blocks.append(_offer_buttons(listed, place))
    return blocks + buttons


def _templates(place: Place, facts: Facts) -> list[Block]:
    suited: dict[str, list[Template]] = {}
    for listed in _offers(facts):
        for template in listed.offer.templates:
            if facts.can_edit or template.id not in facts.hidden_templates:
                suited.setdefault(template.id, []).append(template)
    shown, buttons = _page(place, list(suited.values()))
    blocks: list[Block] = [context(f"Templates: {len(suited)}. A machine is installed with one of them.")]
    for template, *others in shown:
        is_hidden = template.id in facts.hidden_templates
        change = _hide_template(template, place, is_hidden=is_hidden) if facts.can_edit else None
        text = _describe_template(template, machines=1 + len(others), is_hidden=is_hidden)
        blocks.append(section(text, accessory=change))
    return blocks + buttons


def _limits(place: Place, facts: Facts) -> list[Block]:
    shown, buttons = _page(place, facts.limits)
    blocks: list[Block] = [context("What the options of engines may be set to.")]
    for limit in shown:
        change = button("Change limit", Action.CATALOG_LIMIT, value=f"{limit.option}|{place}")
        blocks.append(section(_describe_limit(limit), accessory=change if facts.can_edit else None))
    return blocks + buttons


def _tab(tab: Tab, place: Place) -> dict[str, Any]:
    there = replace(place, tab=tab, page=0)
    return button(tab.capitalize(), _TABS[tab], value=str(there), style="primary" if tab is place.tab else None)


def _offers(facts: Facts) -> list[ListedOffer]:
    """Hidden ones are for those alone who can show them again; so it is with templates."""
    return [listed for listed in facts.offers if facts.can_edit or not listed.is_hidden]


def _clouds(place: Place, facts: Facts) -> list[Block]:
    """The choice among several."""
    if len(facts.clouds) < 2:
        return []
    options = {
        cloud: option(label, str(replace(place, cloud=cloud, page=0, query="")))
        for cloud, label in facts.clouds.items()
    }
    return [actions(select(Action.CATALOG_CLOUD, list(options.values()), initial=options[place.cloud]))]


def _page(place: Place, things: Sequence[T]) -> tuple[Sequence[T], list[Block]]:
    """Those on the page, or on the last one, and the buttons to the others."""
    last = max(0, (len(things) - 1) // PAGE)
    page = min(place.page, last)
    buttons: list[dict[str, Any]] = []
    if page > 0:
        buttons.append(button("Previous", Action.CATALOG_PREVIOUS, value=str(replace(place, page=page - 1))))
    if page < last:
        buttons.append(button("Next", Action.CATALOG_NEXT, value=str(replace(place, page=page + 1))))
    blocks = [divider(), context(f"Page {page + 1} of {last + 1}"), actions(*buttons)] if buttons else []
    return things[page * PAGE : (page + 1) * PAGE], blocks


# --- buttons --------------------------------------------------------------------------------------


def _remove_model(model: Model, place: Place) -> dict[str, Any]:
    question = confirm(
        "Remove this model?",
        f"{code(model.id, limit=100)} is then not listed any more. Servers that run it go on.",
        verb="Remove",
        danger=True,
    )
    return button("Remove", Action.CATALOG_REMOVE_MODEL, value=f"{model.id}|{place}", confirm=question)


def _offer_buttons(listed: ListedOffer, place: Place) -> Block:
    value = f"{listed.offer.type}|{place}"
    other = ("Show", Action.CATALOG_SHOW) if listed.is_hidden else ("Hide", Action.CATALOG_HIDE)
    return actions(button("Set price", Action.CATALOG_PRICE, value=value), button(*other, value=value))


def _hide_template(template: Template, place: Place, *, is_hidden: bool) -> dict[str, Any]:
    text, action = ("Show", Action.CATALOG_SHOW_TEMPLATE) if is_hidden else ("Hide", Action.CATALOG_HIDE_TEMPLATE)
    return button(text, action, value=f"{template.id}|{place}")


# --- lines ----------------------------------------------------------------------------------------


def _describe_model(model: Model) -> str:
    head = f"*{escape_cut(model.label, limit=200)}*" + (
        "" if model.label == model.id else f" {code(model.id, limit=100)}"
    )
    if model.architecture is None and model.checked_at is None:
        return f"{head}\nHugging Face is asked about it when somebody chooses it."
    told = [
        _parameters(model.parameters),
        ", ".join(engine.label for engine in model.engines),
        f"quantisation {', '.join(model.quantizations)}",
    ]
    marks = ["gated"] * model.is_gated + ["private"] * model.is_private
    marks += [] if model.has_chat_template else ["no chat template"]
    return f"{head}\n{' · '.join([*told, *(f'*{mark}*' for mark in marks)])}"


def _parameters(count: int | None) -> str:
    if count is None:
        return "size not known"
    return f"{count / 1e9:.1f} billion parameters" if count >= 1e9 else f"{count / 1e6:.0f} million parameters"


def _describe_offer(listed: ListedOffer) -> str:
    offer = listed.offer
    facts = [_gpu(offer), "" if offer.vcpus is None else f"{offer.vcpus} vCPU"]
    facts.append("" if offer.ram_gib is None else f"{offer.ram_gib} GB RAM")
    hidden = _HIDDEN if listed.is_hidden else ""
    read = ", ".join(part for part in (offer.source, offer.as_of) if part)
    approval = ". The cloud has to approve your account for it first" if offer.needs_approval else ""
    regions = ", ".join(f"{region} {_FREE[there]}" for region, there in offer.regions.items())
    return (
        f"*{escape(offer.type)}*{hidden}\n{escape(' · '.join(fact for fact in facts if fact))}\n"
        f"*{per_hour(offer.price_usd_per_hour)}*{f' ({escape_cut(read, limit=400)})' if read else ''}{approval}.\n"
        f"{escape_cut(regions, limit=800) or 'Regions are not known.'}"
    )


def _gpu(offer: Offer) -> str:
    if offer.gpu is None:
        return "a GPU that Prime does not know"
    count = "" if offer.gpu_count == 1 else f"{offer.gpu_count} × "
    return f"{count}{offer.gpu.name}, {offer.gpu_memory_gib} GB of GPU memory"


def _describe_template(template: Template, *, machines: int, is_hidden: bool) -> str:
    label = f"*{escape_cut(template.label, limit=300)}* {code(template.id)}{_HIDDEN if is_hidden else ''}"
    types = "1 machine type" if machines == 1 else f"{machines} machine types"
    return f"{label}\nFor {types}; needs a disk of {template.minimum_disk_gb} GB or more."


def _describe_limit(limit: Limit) -> str:
    default = "chosen by the engine" if limit.default is None else f"{limit.default:,}"
    return f"*{escape(limit.label)}*\nFrom {limit.minimum:,} to {limit.maximum:,}; if nothing is given: {default}."
