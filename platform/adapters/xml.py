"""A vendor's small XML, read without anything that XML can do to its reader."""

from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from adapters.contracts import Malformed

MAX_DEPTH = 8


def parse_xml(body: bytes | str) -> Element:
    """The root. Raises Malformed: no document types, no entities, nothing deep."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise Malformed from None
    _look_for_depth(root)
    return root


def field(root: Element, name: str, *, otherwise: str = "") -> str:
    return (root.findtext(name) or "").strip() or otherwise


def _look_for_depth(root: Element) -> None:
    level = [root]
    for _depth in range(MAX_DEPTH):
        level = [child for element in level for child in element]
        if not level:
            return
    raise Malformed
