"""What can be measured of how a page looks and is read out. Each answers with what is wrong."""

from typing import Any

from playwright.sync_api import Page

SMALLEST_TARGET_PX = 44
CONTRAST, CONTRAST_OF_LARGE_TYPE = 4.5, 3.0  # WCAG 2.2 AA

_SEEN = """
const seen = (node) => node.checkVisibility({visibilityProperty: true, opacityProperty: true})
  && !node.closest('.visually-hidden, [inert], .skip');
const name = (node) => (node.getAttribute('aria-label')
  || (node.getAttribute('aria-labelledby') || '').split(' ')
      .map((id) => document.getElementById(id)?.textContent).join(' ')
  || [...(node.labels || [])].map((label) => label.textContent).join(' ')
  || node.innerText || node.textContent || node.title || node.alt || '').trim();
const brief = (node) => `${node.tagName.toLowerCase()}#${node.id}.${node.className.baseVal
  ?? node.className} ${name(node).slice(0, 30)}`;
"""


def headings(page: Page) -> int:
    """How many main headings are on the screen."""
    return int(_look(page, "return [...document.querySelectorAll('h1')].filter(seen).length"))


def badly_named(page: Page) -> list[str]:
    """Controls without a name to be read out, and pictures without words."""
    return _list(
        page,
        """const controls = 'button, a[href], input:not([type=hidden]), select, textarea, '
             + '[role=button], iframe, dialog[open]';
           return [...document.querySelectorAll(controls)].filter(seen)
             .filter((node) => !name(node)).map(brief)
             .concat([...document.querySelectorAll('img:not([alt])')].map(brief))""",
    )


def small_targets(page: Page) -> list[str]:
    """Buttons and links that a thumb would miss; links within a sentence are not meant."""
    return _list(
        page,
        """return [...document.querySelectorAll('button, a[href], select, input, textarea')]
             .filter((node) => seen(node) && node.type !== 'hidden')
             .map((node) => [node, (node.closest('label') ?? node).getBoundingClientRect()])
             .filter(([, box]) => box.width && (box.width < least - .5 || box.height < least - .5))
             .map(([node, box]) => `${brief(node)} ${box.width}×${box.height}`)""",
        least=SMALLEST_TARGET_PX,
    )


def wider_than_the_screen(page: Page) -> list[str]:
    """What sticks out to the right, so that the page has to be pushed to and fro."""
    return _list(
        page,
        """const width = document.documentElement.clientWidth;
           if (document.documentElement.scrollWidth <= width) return [];
           return [...document.body.querySelectorAll('*')].filter(seen)
             .filter((node) => node.getBoundingClientRect().right > width + 1).map(brief)""",
    )


def words_of(page: Page, *, besides: str = "") -> list[str]:
    """All words on the page, also those that are only read out, but for keys and `besides`."""
    return _list(
        page,
        """const left = ['kbd', 'script', 'style', 'noscript', besides].filter(Boolean).join(', ');
           const words = [document.title];
           const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
           while (walk.nextNode()) {
             const within = walk.currentNode.parentElement;
             if (within.closest(left) || !within.checkVisibility()) continue;
             words.push(walk.currentNode.data);
           }
           for (const node of document.querySelectorAll('*')) {
             if (node.closest(left) || !node.checkVisibility()) continue;
             for (const each of ['aria-label', 'title', 'placeholder', 'alt', 'aria-description'])
               if (node.hasAttribute(each)) words.push(node.getAttribute(each));
           }
           return words""",
        besides=besides,
    )


def low_contrast(page: Page) -> list[str]:
    """Texts that are hard to read on what lies behind them."""
    return _list(page, _CONTRAST, normal=CONTRAST, large=CONTRAST_OF_LARGE_TYPE)


def unfocused(page: Page, *, steps: int) -> list[str]:
    """Controls on which Tab lands without the screen showing it."""
    page.evaluate("document.activeElement?.blur()")
    lost = []
    for _ in range(steps):
        page.keyboard.press("Tab")
        lost += _list(
            page,
            """const node = document.activeElement;
               if (!node || node === document.body || node.tagName === 'WENAN-CHAT') return [];
               const style = getComputedStyle(node);
               const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
               return ring || style.boxShadow !== 'none' ? [] : [brief(node)]""",
        )
    return lost


def _list(page: Page, body: str, **values: Any) -> list[str]:
    found: list[str] = _look(page, body, **values)
    return found


def _look(page: Page, body: str, **values: Any) -> Any:
    names = ", ".join(values)
    return page.evaluate(f"({{{names}}}) => {{ {_SEEN} {body} }}", values)


_CONTRAST = """
const part = (c) => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
const light = ([r, g, b]) => .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
const ratio = (a, b) => {
  const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
  return (high + .05) / (low + .05);
};
const colours = (css) => [...css.matchAll(/rgba?\\(([^)]+)\\)/g)].map(([, inner]) => {
  const [r, g, b, a = 1] = inner.split(/[ ,/]+/).map(Number);
  return [r, g, b, a];
});
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
// All colours that may lie behind a node: a gradient has several.
const behind = (node) => {
  if (!node) return [[255, 255, 255]];
  const style = getComputedStyle(node);
  const gradient = colours(style.backgroundImage);
  const [colour] = colours(style.backgroundColor);
  if (gradient.length) return gradient.flatMap((c) => c[3] === 1 ? [c]
    : behind(node.parentElement).map((b) => over(c, b)));
  if (!colour || !colour[3]) return behind(node.parentElement);
  if (colour[3] === 1) return [colour];
  return behind(node.parentElement).map((below) => over(colour, below));
};
const poor = new Set();
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const node = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !seen(node) || node.closest(':disabled, script, style'))
    continue;
  const style = getComputedStyle(node);
  const px = parseFloat(style.fontSize);
  const isLarge = px >= 24 || (px >= 18.66 && Number(style.fontWeight) >= 700);
  const [ink] = colours(style.color);
  const worst = Math.min(...behind(node).map((below) => ratio(over(ink, below), below)));
  if (worst < (isLarge ? large : normal))
    poor.add(`${brief(node)} ${worst.toFixed(2)} ${style.color}`);
}
return [...poor];
"""
