"""Which adapter serves which kind of channel."""

from adapters.contracts import Adapter
from adapters.web.adapter import WebAdapter

ADAPTERS: dict[str, Adapter] = {"web": WebAdapter()}
