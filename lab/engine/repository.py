"""The repository that an engine is told to serve, as it would be downloaded."""

from collections.abc import Mapping

from lab.engine.settings import LaunchError
from lab.hub.model import HubModel
from lab.hub.models import LLAMA_3_8B, find

TOKENS = ("HF_TOKEN", "HF_API_TOKEN", "HUGGING_FACE_HUB_TOKEN")


def download(model_id: str, environment: Mapping[str, str]) -> HubModel:
    """An id that the lab's Hub does not hold stands for a model like Llama 3.1 8B, so that any name can be launched.

    Raises LaunchError for a gated or private one without a token, and for one that holds no language model."""
    model = find(model_id) or HubModel(id=model_id, parameters={"BF16": 8_030_261_248}, config=LLAMA_3_8B)
    has_token = any(environment.get(name) for name in TOKENS)
    url = f"https://huggingface.co/{model_id}/resolve/main/config.json"
    if model.is_private and not has_token:
        raise LaunchError(
            f"huggingface_hub.errors.RepositoryNotFoundError: 401 Client Error. Repository Not Found for url: {url}."
        )
    if model.gated and not has_token:
        raise LaunchError(
            f"huggingface_hub.errors.GatedRepoError: 401 Client Error. Cannot access gated repo for url {url}."
            f" Access to model {model_id} is restricted. You must have access to it and be authenticated to access it."
        )
    if model.config is None:
        raise LaunchError(f"OSError: {model_id} does not appear to have a file named config.json.")
    return model
