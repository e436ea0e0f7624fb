"""Rows of the matrix of access for clouds' keys and the catalogue. No cloud accepts the key that there is."""

from bot.ids import Action, Input, Modal
from bot.views import kit
from tests.scenario.access_rows import ADMINS, READERS, Gone, Row, Value, choice, command, press, put, submit
from tests.scenario.access_world import Place, World

LISTED, UNLISTED = "Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4"
MACHINE, TEMPLATE = "H100x8", "t7vp562h"
"""The one is installed with nothing but the other."""
PLACE = "models||0|"
OFFER, TEMPLATES, LIMIT = (
    f"{MACHINE}|machines|paperspace|0|",
    f"{TEMPLATE}|templates|paperspace|0|",
    "max_best_of|limits||0|",
)
WRONG_PRICES = {
    "nothing": "0",
    "negative": "-1",
    "rubbish": "free",
    "endless": "1e9",
    "huge": "9" * 9000,
    "nul": "1\x00",
}

SECRET = kit.labelled("Key", kit.text_input(Input.SECRET, initial="key-of-nobody"), block_id=Input.SECRET)
SEARCH = kit.labelled("Search", kit.text_input(Input.SEARCH, initial="qwen"), block_id=Input.SEARCH, optional=True)
MODEL = kit.labelled("Model", kit.text_input(Input.MODEL, initial=UNLISTED), block_id=Input.MODEL)
PRICE = kit.labelled("Price", kit.text_input(Input.PRICE, initial="0.5"), block_id=Input.PRICE, optional=True)
MINIMUM, MAXIMUM = (
    kit.labelled(name, kit.number_input(name, least=1, most=9, initial=initial), block_id=name)
    for name, initial in ((Input.MINIMUM, 1), (Input.MAXIMUM, 3))
)


def _cloud(_world: World, _user: str) -> str:
    return "paperspace"


def _with_key(value: str) -> Value:
    def make(world: World, _user: str) -> str:
        world.server("deleted")  # which would need the key
        world.key()
        return value

    return make


def _with_hidden(value: str, *, template: bool = False) -> Value:
    """The machine is hidden; `template`: and what it is installed with."""

    def make(world: World, user: str) -> str:
        world.office.rows("INSERT INTO catalog_offer VALUES ('paperspace', %s, NULL, true) RETURNING 1", MACHINE)
        if template:
            world.office.rows("INSERT INTO catalog_template VALUES ('paperspace', %s) RETURNING 1", TEMPLATE)
        return _with_key(value)(world, user)

    return make


def _remove_key(world: World, _user: str, _value: str) -> None:
    world.office.rows("DELETE FROM provider_key RETURNING 1")


def _list(model: str, *, is_listed: bool) -> Gone:
    def put_listing(world: World, _user: str, _value: str) -> None:
        world.office.rows("INSERT INTO catalog_model VALUES (%s, %s) RETURNING 1", model, is_listed)

    return put_listing


NO_KEY = {"key removed": _remove_key}
NO_CLOUD = {
    "an unknown cloud": f"{MACHINE}|machines|elsewhere|0|",
    "a cloud of nul": f"{MACHINE}|machines|\x00|0|",
    "no cloud": f"{MACHINE}|machines||0|",
    "an unknown tab": f"{MACHINE}|kumquat|paperspace|0|",
    "a page before all": f"{MACHINE}|machines|paperspace|-1|",
}

CATALOG_ROWS: list[Row] = [
    press(Action.KEY_ENTER, ADMINS, Place.MODAL, value=_cloud),
    press(Action.KEY_CHECK, ADMINS, Place.MODAL, value=_with_key("paperspace")),
    press(Action.KEY_REMOVE, ADMINS, Place.MODAL, value=_with_key("paperspace"), audit=("keys.key.remove",),
          gone=NO_KEY),
    submit(Modal.ENTER_KEY, ADMINS, [SECRET], value=_cloud),
    command("keys", ADMINS),

    press(Action.CATALOG_MODELS, READERS, Place.MODAL, value=lambda *_: PLACE),
    press(Action.CATALOG_LIMITS, READERS, Place.MODAL, value=lambda *_: "limits||0|"),
    press(Action.CATALOG_MACHINES, READERS, Place.MODAL, value=_with_key("machines|paperspace|0|"), gone=NO_KEY),
    press(Action.CATALOG_TEMPLATES, READERS, Place.MODAL, value=_with_key("templates|paperspace|0|"), gone=NO_KEY),
    press(Action.CATALOG_CLOUD, READERS, Place.MODAL, value=_with_key("machines|paperspace|0|"), element=choice,
          gone=NO_KEY, fine=("huge",)),  # no option is so long
    press(Action.CATALOG_PREVIOUS, READERS, Place.MODAL, value=lambda *_: "models||0|qwen"),
    press(Action.CATALOG_NEXT, READERS, Place.MODAL, value=lambda *_: "models||1|qwen"),
    press(Action.CATALOG_ADD_MODEL, ADMINS, Place.MODAL, value=lambda *_: PLACE),
    press(Action.CATALOG_REMOVE_MODEL, ADMINS, Place.MODAL, value=lambda *_: f"{LISTED}|{PLACE}",
          audit=("catalog.model.remove",), gone={"removed": _list(LISTED, is_listed=False)}),
    press(Action.CATALOG_PRICE, ADMINS, Place.MODAL, value=_with_key(OFFER), gone=NO_KEY),
    press(Action.CATALOG_HIDE, ADMINS, Place.MODAL, value=_with_key(OFFER), audit=("catalog.offer.hide",),
          gone=NO_KEY),
    press(Action.CATALOG_SHOW, ADMINS, Place.MODAL, value=_with_hidden(OFFER), audit=("catalog.offer.show",),
          gone=NO_KEY),
    press(Action.CATALOG_HIDE_TEMPLATE, ADMINS, Place.MODAL, value=_with_hidden(TEMPLATES),
          audit=("catalog.template.hide",), gone=NO_KEY),
    press(Action.CATALOG_SHOW_TEMPLATE, ADMINS, Place.MODAL, value=_with_hidden(TEMPLATES, template=True),
          audit=("catalog.template.show",), gone=NO_KEY),
    press(Action.CATALOG_LIMIT, ADMINS, Place.MODAL, value=lambda *_: LIMIT),

    submit(Modal.CATALOG, READERS, [SEARCH], value=lambda *_: PLACE,
           forged={"search of nul": put(Input.SEARCH, "qwen\x00")}),
    submit(Modal.ADD_MODEL, ADMINS, [MODEL], value=lambda *_: PLACE, audit=("catalog.model.add",),
           gone={"added": _list(UNLISTED, is_listed=True)}),
    submit(Modal.SET_PRICE, ADMINS, [PRICE], value=_with_key(OFFER), audit=("catalog.offer.price",), gone=NO_KEY,
           forged={**NO_CLOUD, **{f"price {how}": put(Input.PRICE, price) for how, price in WRONG_PRICES.items()},
                   "an unknown machine": "kumquat|machines|paperspace|0|"}),
    submit(Modal.CHANGE_LIMIT, ADMINS, [MINIMUM, MAXIMUM], value=lambda *_: LIMIT, audit=("catalog.limit.set",),
           forged={"an unknown option": "kumquat|limits||0|", "least above most": put(Input.MINIMUM, "4")}),
    command("catalog", READERS),
]  # fmt: skip
