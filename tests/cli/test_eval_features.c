/* `diffc eval --features` with weights of the network's size: what it prints. What it refuses is in
 * tests/cli/eval/eval_features_refused.sh. */
#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/eval_report.h"
#include "inception_file.h"
#include "io/json.h"
#include "math/product_blas.h"
#include "model/feature_moments.h"
#include "test.h"

enum { IMAGES = 9, SIDE = 16, TEXT_BYTES = 8192 };

static void write_images(const char *path)
{
    static const unsigned char head[16] = {0, 0, 8, 3,    0, 0, 0, IMAGES,
                                           0, 0, 0, SIDE, 0, 0, 0, SIDE};
    unsigned char pixels[SIDE * SIDE];
    FILE *file = fopen(path, "wb");
    if (!EXPECT(file)) return;
    fwrite(head, 1, sizeof head, file);
    for (int i = 0; i < IMAGES; i++) {
        fill_inception_image(pixels, (Shape){SIDE, SIDE, 1}, i);
        fwrite(pixels, 1, sizeof pixels, file);
    }
    EXPECT_INT(fclose(file), 0);
}

/* What `diffc eval WORDS...` writes to stdout. */
static void eval(int count, char **words, char text[TEXT_BYTES])
{
    Arguments a;
    Err err = {0};
    if (!EXPECT_OK(options_parse(&command_eval, count, words, &a, &err), err)) return;
    fflush(stdout);
    const char *path = test_path("stdout");
    int terminal = dup(STDOUT_FILENO), file = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
    dup2(file, STDOUT_FILENO);
    bool ok = command_eval.run(&a, &err);
    fflush(stdout);
    dup2(terminal, STDOUT_FILENO);
    close(terminal);
    arguments_free(&a);
    EXPECT_OK(ok, err);
    ssize_t bytes = pread(file, text, TEXT_BYTES - 1, 0);
    text[bytes > 0 ? bytes : 0] = '\0';
    close(file);
}

static double figure(const Json *line, const char *set, const char *key)
{
    return json_number(json_get(json_get(json_get(line, set), "inception"), key));
}

TEST(eval_reports_precision_and_recall_in_pixels_and_in_features)
{
    char images[256], weights[256], text[TEXT_BYTES] = "", json[TEXT_BYTES] = "";
    snprintf(images, sizeof images, "%s", test_path("images-idx3-ubyte"));
    snprintf(weights, sizeof weights, "%s", test_path("w.safetensors"));
    write_images(images);
    write_inception_file(weights);
    char *words[] = {images, "--data", images, "--features", weights, "-q", "--json"};
    eval(6, words, text);
    EXPECT_CONTAINS(text, "pixels, 3 nearest neighbours\n  precision");
    EXPECT_CONTAINS(text, "Inception v3 features (");
    EXPECT_CONTAINS(text, "w.safetensors), 3 nearest neighbours\n  precision");
    eval(7, words, json);
    EXPECT_CONTAINS(json, "w.safetensors\"");
    Err err = {0};
    Json *line = json_parse(json, strlen(json), "stdout", false, &err);
    if (!EXPECT(line)) return;
    for (int s = 0; s < 2; s++) {
        const char *set = s ? "other_data" : "images";
        EXPECT(figure(line, set, "precision") >= 0 && figure(line, set, "precision") <= 1);
        EXPECT(figure(line, set, "coverage") >= 0 && figure(line, set, "coverage") <= 1);
        EXPECT(isfinite(figure(line, set, "kid")) && figure(line, set, "kid_standard_error") > 0);
        if (!product_blas_is_built()) continue;
        EXPECT(figure(line, set, "fid") > 0 && figure(line, set, "fid_standard_error") > 0);
    }
    json_free(line);
    EXPECT_CONTAINS(text, "\n  KID x 1000 ");
    if (!product_blas_is_built()) {
        EXPECT(!strstr(text, "FID"));
        return;
    }
    EXPECT_CONTAINS(json, "\"warning\":\"4 images are too few for a covariance of full rank");
    EXPECT_CONTAINS(text, "\n  FID ");
    EXPECT_CONTAINS(
        text, "4 images are too few for a covariance of full rank in 2048 features, so FID is ");
}

/* The covariance of n images has rank n - 1 at most. */
TEST(eval_warns_of_fid_of_up_to_as_many_images_as_features)
{
    for (size_t count = 2048; count <= 2049; count++) {
        JsonWriter w;
        json_write_init(&w, 0);
        json_begin_object(&w, NULL);
        eval_put_bias(&w, count);
        json_end_object(&w);
        const char *text = json_text(&w);
        if (count == 2049)
            EXPECT_TEXT(text, "{}");
        else
            EXPECT_CONTAINS(text, "\"2,048 images are too few for a covariance of full rank in "
                                  "2048 features");
        json_write_free(&w);
    }
}

/* The sum of variances: what distances are small beside. */
static double variances(const char *path)
{
    FeatureMoments m;
    Err err = {0};
    double sum = 0;
    if (!EXPECT_OK(feature_moments_read(path, &m, &err), err)) return 0;
    EXPECT_INT(m.dims, 2048);
    for (size_t i = 0; i < 2048; i++) sum += m.covariance[i * 2049];
    feature_moments_free(&m);
    return sum;
}

TEST(eval_writes_statistics_and_compares_images_with_them)
{
    char images[256], weights[256], stats[256], text[TEXT_BYTES] = "";
    if (!product_blas_is_built()) {
        test_skip("built without a BLAS");
        return;
    }
    snprintf(images, sizeof images, "%s", test_path("images-idx3-ubyte"));
    snprintf(weights, sizeof weights, "%s", test_path("w.safetensors"));
    snprintf(stats, sizeof stats, "%s", test_path("s.npz"));
    write_images(images);
    write_inception_file(weights);
    char *save[] = {images, "--features", weights, "--save-stats", stats, "-q"};
    eval(6, save, text);
    text[strcspn(text, "\n")] = '\0';
    EXPECT_TEXT(text, stats);
    double all = variances(stats);
    EXPECT(all > 0);
    char *same[] = {images, "--features", weights, "--stats", stats, "-q", "--json"};
    eval(7, same, text);
    Err err = {0};
    Json *line = json_parse(text, strlen(text), "stdout", false, &err);
    if (!EXPECT(line)) return;
    EXPECT_NEAR(figure(line, "images", "fid"), 0, 1e-5 * all);
    EXPECT(json_number(json_get(line, "count")) == IMAGES);
    json_free(line);
    char *some[] = {images, "--features", weights, "--stats", stats, "-q", "-n", "5", "--json"};
    eval(9, some, text);
    line = json_parse(text, strlen(text), "stdout", false, &err);
    if (!EXPECT(line)) return;
    EXPECT(figure(line, "images", "fid") > 1e-3 * all);
    EXPECT(figure(line, "images", "fid_standard_error") > 0);
    json_free(line);
    EXPECT_CONTAINS(text, "\"warning\":\"5 images are too few");
    eval(8, some, text);
    EXPECT_CONTAINS(text, "5 images beside the statistics of ");
    EXPECT_CONTAINS(text, "\n  FID ");
    EXPECT_CONTAINS(text, "5 images are too few for a covariance");
}
