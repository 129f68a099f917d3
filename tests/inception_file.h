/* A file of Inception v3's weights by the formula of tests/golden/inception.py, and that script's images. */
#ifndef DIFFC_TESTS_INCEPTION_FILE_H
#define DIFFC_TESTS_INCEPTION_FILE_H

#include "net/net.h"

/* A safetensors file of 90 MB under torchvision's names, with a tensor of the classifier. */
void write_inception_file(const char *path);

/* pixels [H, W, C] of image number 0, 1, ... Number 0 is that of the script. */
void fill_inception_image(unsigned char *pixels, Shape s, int number);

#endif
