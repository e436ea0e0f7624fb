"""Rows of the matrix of access for costs and budgets."""

from bot.ids import Action, Input, Modal
from bot.views import kit
from lab.slack.screen import Json
from tests.scenario.access_rows import ADMINS, FORGED_VALUES, READERS, Row, command, press, put, submit
from tests.scenario.access_world import Place, World

WRONG_AMOUNTS = {"negative": "-1", "rubbish": "much", "half a cent": "1.005", "huge": "9" * 9000, "nul": "1\x00"}
WRONG_BUDGETS = {f"budget {how}": put(Input.WORKSPACE_BUDGET, wrong) for how, wrong in WRONG_AMOUNTS.items()}
BUDGET = kit.labelled(
    "Workspace",
    kit.text_input(Input.WORKSPACE_BUDGET),
    block_id=Input.WORKSPACE_BUDGET,
    optional=True,
)
FIVE_HUNDRED: Json = {Input.WORKSPACE_BUDGET: {"type": "plain_text_input", "value": "500"}}


def _a_week(_world: World, _user: str) -> str:
    return "7"


def _without_budgets(world: World, _user: str) -> str:
    """What is set to what it is already is no change. The modal itself has no value to forge."""
    world.office.rows("WITH gone AS (DELETE FROM spend_limit RETURNING 1) SELECT count(*) FROM gone")
    return ""


COST_ROWS: list[Row] = [
    command("cost", READERS, forged={
        "rubbish": "cost kumquat",
        "no days": "cost 0",
        "too many days": "cost 367",
        "huge": f"cost {'9' * 5000}",
        "nul": "cost 7\x00",
    }),
    press(Action.COST_CHART, READERS, Place.PRIVATE, value=_a_week),
    press(Action.COST_BUDGETS, ADMINS, Place.PRIVATE),
    submit(Modal.BUDGETS, ADMINS, [BUDGET], value=_without_budgets, audit=("cost.limit",),
           forged=WRONG_BUDGETS, fine=tuple(FORGED_VALUES), typed={Input.WORKSPACE_BUDGET: FIVE_HUNDRED}),
]  # fmt: skip
