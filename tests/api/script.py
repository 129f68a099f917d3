"""The three images of program.c by ctypes: script.py LIBRARY writes them to images.raw."""
import ctypes as c
import sys

library = c.CDLL(sys.argv[1])


class Options(c.Structure):
    _fields_ = [("size", c.c_size_t), ("sampler", c.c_char_p), ("steps", c.c_int), ("label", c.c_int),
                ("seed", c.c_uint64), ("batch", c.c_int), ("settings", c.POINTER(c.c_char_p)),
                ("progress", c.c_void_p), ("context", c.c_void_p)]


class Error(c.Structure):
    _fields_ = [("kind", c.c_int), ("text", c.c_char * 1024)]


error = Error()
library.diffc_open.restype = c.c_void_p
model = c.c_void_p(library.diffc_open(b"run", 0, 0, c.byref(error)))
assert model, error.text
options = Options()
library.diffc_sample_defaults(c.byref(options), c.c_size_t(c.sizeof(options)))
options.steps, options.seed = 5, 7
options.settings = (c.c_char_p * 2)(b"eta=0.5", None)
values = 3 * 16 * 16
images, pixels = (c.c_float * values)(), (c.c_ubyte * values)()
assert library.diffc_sample(model, c.byref(options), 3, images, c.byref(error)) == 0, error.text
library.diffc_to_bytes(images, c.c_size_t(values), pixels)
library.diffc_close(model)
open("images.raw", "wb").write(bytes(pixels))
