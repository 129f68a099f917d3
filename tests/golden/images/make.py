#!/usr/bin/env python3
"""Makes the JPEG files of this folder (Pillow 13.0, libjpeg-turbo). PNG files are made by the tests."""
import os
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))


def save(name, image, **options):
    image.save(os.path.join(here, name), "JPEG", optimize=True, **options)


# 24x16, red and green above, blue and white below.
quadrants = Image.new("RGB", (24, 16))
for y in range(16):
    for x in range(24):
        top, left = y < 8, x < 12
        quadrants.putpixel((x, y), (255, 0, 0) if top and left else (0, 255, 0) if top else
                           (0, 0, 255) if left else (255, 255, 255))
save("quadrants.jpg", quadrants, quality=95, subsampling=0)

# 17x13, odd sizes, smooth colours: red = 8 + 12 x, green = 20 + 14 y, blue = 128.
ramp = Image.new("RGB", (17, 13))
for y in range(13):
    for x in range(17):
        ramp.putpixel((x, y), (8 + 12 * x, 20 + 14 * y, 128))
save("progressive.jpg", ramp, quality=95, subsampling=2, progressive=True)

# 9x7, grey = 16 + 20 x + 5 y.
grey = Image.new("L", (9, 7))
for y in range(7):
    for x in range(9):
        grey.putpixel((x, y), 16 + 20 * x + 5 * y)
save("grey.jpg", grey, quality=95)

# 40x24 with a restart marker after every unit of 16x16 pixels.
wide = Image.new("RGB", (40, 24))
for y in range(24):
    for x in range(40):
        wide.putpixel((x, y), (6 * x, 128, 10 * y))
save("restart.jpg", wide, quality=90, subsampling=2, restart_marker_blocks=1)
