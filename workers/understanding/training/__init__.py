"""From data to a model folder in one command: `python -m workers.understanding.training`."""
