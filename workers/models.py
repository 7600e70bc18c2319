from workers.broker.models import Ring

__all__ = ["Ring"]
