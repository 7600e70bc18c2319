"""FHIR R4 by the book: what comes in and what goes out is checked by `fhir.resources`.

The library is an extra (`pip install -e '.[fhir]'`, docs/adr/0013): a house without outside systems
does not install it, and without it no system is spoken with.
"""

import re
from collections.abc import Mapping
from typing import Any

from adapters.fhir.mapping.datatypes import NotReadable

try:
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError
except ImportError:
    get_fhir_model_class = None  # type: ignore[assignment]

_PART = re.compile(r"[A-Za-z_]{1,40}|\d{1,4}")
MAX_PARTS = 3


def is_installed() -> bool:
    return get_fhir_model_class is not None


def check(resource: Mapping[str, Any]) -> None:
    """Raises NotReadable with the places and kinds of what is wrong, never with a value."""
    try:
        model = get_fhir_model_class(str(resource.get("resourceType")))
    except (KeyError, LookupError):
        raise NotReadable("resourceType") from None
    try:
        model.model_validate(dict(resource))
    except ValidationError as wrong:
        raise NotReadable("; ".join(_told(wrong)[:MAX_PARTS])) from None


def _told(wrong: "ValidationError") -> list[str]:
    # A message would quote what was written, and so may a key that nobody expects.
    return [
        f"{'.'.join(p for p in map(str, each['loc']) if _PART.fullmatch(p))[:40]}: {each['type']}"
        for each in wrong.errors(include_input=False, include_context=False, include_url=False)
    ]
