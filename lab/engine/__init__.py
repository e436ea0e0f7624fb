"""A stand-in for a model server: text-generation-inference or vLLM, as its container is launched."""
