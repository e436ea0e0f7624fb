"""The programs that serve a model: how each is launched and asked."""
