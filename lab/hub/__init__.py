"""A stand-in for the Hugging Face Hub: model information, configurations, listings."""
