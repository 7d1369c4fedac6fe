"""Pictures of pages. Small ones are kept in the repository and compared: a page that loses its layout differs from its
picture, one that changes a word or a time does not.

`./dev screenshots` makes them anew, and stores large ones of three widths and both schemes in `screenshots/`.
"""

import os
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Page

KEPT = Path(__file__).with_name("pictures")
LARGE = os.environ.get("CONVADMIN_SCREENSHOTS", "")  # where large ones go; they replace the small ones, too
COMPARED = {(1440, "light"): 180, (390, "dark"): 90}  # the width of the small picture
MAX_HEIGHT = 3_000  # pixels of a page
TOLERANCE = 6.0  # mean difference of grey levels, of 255: the same page has up to 2.5, without a stylesheet up to 25
WIDTHS = (1440, 768, 390)


def differences(page: Page, name: str, width: int, scheme: str) -> set[str]:
    """How the page as it stands differs from its picture; nothing where none is compared in this width and scheme."""
    if (width, scheme) not in COMPARED and not LARGE:
        return set()
    png = page.screenshot(full_page=True, clip=_clip(page, width))
    store(png, name, width, scheme)
    if (width, scheme) not in COMPARED:
        return set()
    picture, path = _reduced(png, COMPARED[width, scheme]), KEPT / f"{name}-{width}.png"
    if LARGE:
        KEPT.mkdir(exist_ok=True)
        picture.save(path, optimize=True)
    if not path.exists():
        return {f"has no picture {path.name}: run ./dev screenshots, look at what it made, and commit it"}
    found = _difference(picture, Image.open(path).convert("L"))
    return {f"differs from {path.name} by {found:.0f}; {TOLERANCE:.0f} is allowed"} if found > TOLERANCE else set()


def store(png: bytes, name: str, width: int, scheme: str) -> None:
    """Keep the picture of a page where pictures are made; otherwise do nothing."""
    if LARGE:
        folder = Path(LARGE)
        folder.mkdir(exist_ok=True)
        (folder / f"{name}-{width}-{scheme}.png").write_bytes(png)


def _clip(page: Page, width: int) -> dict[str, float]:
    height = page.evaluate("document.documentElement.scrollHeight")
    return {"x": 0, "y": 0, "width": width, "height": min(height, MAX_HEIGHT)}


def _reduced(png: bytes, width: int) -> Image.Image:
    whole = Image.open(BytesIO(png)).convert("L")
    return whole.resize((width, max(1, round(whole.height * width / whole.width))), Image.Resampling.BOX).quantize(16)


def _difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of grey levels where both have pixels. A page that is much longer differs by that alone."""
    one = one.convert("L")
    height = min(one.height, other.height)
    if max(one.height, other.height) > 1.5 * height + 20:
        return 255.0
    area = (0, 0, one.width, height)
    return float(ImageStat.Stat(ImageChops.difference(one.crop(area), other.crop(area))).mean[0])
