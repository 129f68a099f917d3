/* Rules between the keys of a configuration. */
#include "config_case.h"

TEST(config_rules_between_fields)
{
    static const struct {
        const char *text, *part; /* part NULL: fine */
    } cases[] = {
        {"{\"train\":{\"steps\":0}}", "train.steps and train.minutes are both 0"},
        {"{\"train\":{\"steps\":0,\"minutes\":5,\"schedule\":\"cosine\"}}", NULL},
        {"{\"train\":{\"batch\":4,\"micro_batch\":5}}",
         "train.micro_batch (5) is above train.batch (4)"},
        {"{\"train\":{\"batch\":4,\"micro_batch\":4}}", NULL},
        {"{\"data\":{\"limit\":1000,\"validation\":1000}}", "set data.validation below 1000"},
        {"{\"data\":{\"limit\":1001,\"validation\":1000}}", NULL},
        {"{\"data\":{\"limit\":1}}", NULL},
        {"{\"data\":{\"limit\":1,\"validation\":\"auto\"}}", NULL},
        {"{\"method\":{\"schedule\":\"betas\"}}", "method.betas has 0 values"},
        {"{\"method\":{\"schedule\":\"betas\",\"betas\":[0.1]}}", "method.betas has 1 value, but"},
        {"{\"method\":{\"schedule\":\"betas\",\"steps\":2,\"betas\":[0.1,0.2]}}", NULL},
        {"{\"method\":{\"steps\":1,\"betas\":[0.1]}}",
         "method.betas is [0.1], but method.schedule is \"linear\": only \"betas\" reads it; leave "
         "it out, or set method.schedule"},
        {"{\"method\":{\"beta_start\":0.5}}", "method.beta_start (0.5) is above"},
        {"{\"method\":{\"beta_start\":0.5,\"beta_end\":0.6,\"schedule\":\"scaled_linear\"}}", NULL},
        {"{\"method\":{\"beta_start\":0.5,\"schedule\":\"cosine\"}}",
         "method.beta_start is 0.5, but method.schedule is \"cosine\": only \"linear\" and "
         "\"scaled_linear\""},
        {"{\"method\":{\"beta_end\":0.1,\"type\":\"cdm\",\"schedule\":\"unif\"}}",
         "method.beta_end is 0.1, but method.schedule is \"unif\": only \"linear\" and"},
        {"{\"method\":{\"type\":\"cdm\",\"schedule\":\"unif\"}}", NULL},
        {"{\"sample\":{\"steps\":1001}}", "sample.steps is 1001"},
        {"{\"sample\":{\"steps\":1001,\"sampler\":\"ddim\",\"spacing\":\"leading\"}}",
         "sample.steps is 1001"},
        {"{\"sample\":{\"steps\":2000,\"sampler\":\"pc\"}}", NULL},
        {"{\"sample\":{\"steps\":2000,\"sampler\":\"ddim\",\"spacing\":\"uniform\"}}", NULL},
        {"{\"sample\":{\"steps\":1000}}", NULL},
        {"{\"method\":{\"type\":\"sde\"},\"sample\":{\"steps\":1001}}", NULL},
        /* toys and networks */
        {"{\"data\":{\"toy\":\"ring\"}}", NULL},
        {"{\"data\":{\"toy\":\"ring\",\"path\":\"a\"}}",
         "data.toy and data.path (a) are both given"},
        {"{\"data\":{\"toy\":\"ring\",\"size\":8}}",
         "data.size is 8, but data.toy is \"ring\": it is for images, and a toy has points without "
         "end; leave it out, or set data.toy"},
        {"{\"data\":{\"toy\":\"ring\",\"limit\":8,\"validation\":100}}",
         "data.limit is 8, but data.toy is"},
        {"{\"data\":{\"toy\":\"ring\",\"kind\":\"idx\"}}", "data.kind is \"idx\", but data.toy is"},
        {"{\"data\":{\"toy\":\"ring\",\"flip\":true}}", "data.flip is true, but data.toy is"},
        {"{\"data\":{\"toy\":\"ring\"},\"model\":{\"type\":\"mlp\",\"width\":64}}", NULL},
        {"{\"data\":{\"toy\":\"ring\"},\"model\":{\"type\":\"unet\"}}",
         "model.type is \"unet\", but data.toy"},
        {"{\"model\":{\"type\":\"mlp\"}}", "model.type is \"mlp\", which is for the points"},
        {"{\"model\":{\"type\":\"unet\"}}", NULL},
        {"{\"model\":{\"width\":64}}", "model.width is 64, but model.type is \"unet\": the size of "
                                       "a unet is set by model.channels"},
        {"{\"model\":{\"layers\":2}}", "model.layers is 2, but model.type is"},
        /* features of time */
        {"{\"model\":{\"time\":\"fourier\"}}", "the steps of ddpm and eddpm are whole numbers"},
        {"{\"model\":{\"time\":\"positional\"},\"method\":{\"type\":\"smld\"}}",
         "the network of smld divides its output by sigma"},
        {"{\"model\":{\"time\":\"positional\"},\"method\":{\"type\":\"sde\",\"sde\":\"ve\"}}",
         "the network of sde ve divides its output by sigma"},
        {"{\"model\":{\"time\":\"positional\"},\"method\":{\"type\":\"sde\"}}", NULL},
        {"{\"model\":{\"time\":\"fourier\"},\"method\":{\"type\":\"sde\",\"sde\":\"subvp\"}}",
         NULL},
        /* what the network gives */
        {"{\"method\":{\"type\":\"smld\",\"prediction\":\"v\"}}", NULL},
        {"{\"method\":{\"type\":\"smld\",\"prediction\":\"score\"}}", NULL},
        {"{\"method\":{\"type\":\"sde\",\"sde\":\"ve\",\"prediction\":\"v\"},\"model\":{\"time\":"
         "\"positional\"}}",
         NULL},
        {"{\"method\":{\"type\":\"sde\",\"prediction\":\"v\"}}", NULL},
        {"{\"method\":{\"type\":\"sde\",\"sde\":\"subvp\",\"prediction\":\"x0\"}}", NULL},
        {"{\"method\":{\"type\":\"smld\",\"prediction\":\"x0\"}}",
         "method.prediction is \"x0\", but the network of smld gives"},
        {"{\"method\":{\"type\":\"sde\",\"sde\":\"ve\",\"prediction\":\"x0\"}}",
         "method.prediction is \"x0\", but the network of sde ve gives"},
        {"{\"method\":{\"prediction\":\"score\"}}", "method.prediction is \"score\", which"},
        {"{\"method\":{\"type\":\"eddpm\",\"prediction\":\"score\"}}",
         "which the networks of smld"},
        {"{\"method\":{\"type\":\"sde\",\"prediction\":\"score\"}}", "this method has \"eps\""},
        {"{\"method\":{\"type\":\"smld\",\"prediction\":\"v\"},\"model\":{\"time\":\"fourier\"}}",
         "to predict v it needs \"positional\""},
        {"{\"data\":{\"toy\":\"ring\"},\"method\":{\"type\":\"smld\",\"prediction\":\"v\","
         "\"objective\":"
         "\"sliced\"}}",
         "method.objective is \"sliced\", whose loss is one of the score"},
        /* keys of other methods */
        {"{\"method\":{\"levels\":10}}",
         "method.levels is given, but the method is ddpm, and the key belongs to smld;"},
        {"{\"method\":{\"sde\":\"ve\"}}", "the key belongs to sde;"},
        {"{\"method\":{\"type\":\"sde\",\"schedule\":\"cosine\"}}",
         "method.schedule is given, but the method is sde vp, and the key belongs to ddpm, eddpm, "
         "cdm;"},
        {"{\"method\":{\"type\":\"sde\",\"steps\":100}}", "method.steps is given"},
        {"{\"method\":{\"type\":\"sde\",\"betas\":[0.1]}}", "method.betas is given"},
        {"{\"method\":{\"type\":\"cdm\",\"prediction\":\"x0\"}}", "method.prediction is given"},
        /* which older versions wrote */
        {"{\"method\":{\"type\":\"cdm\",\"prediction\":\"eps\"}}", NULL},
        {"{\"method\":{\"prediction\":\"eps\",\"type\":\"smld\"}}", NULL},
        {"{\"method\":{\"prediction\":\"eps\",\"type\":\"sde\",\"sde\":\"ve\"}}", NULL},
        {"{\"method\":{\"type\":\"smld\",\"min_snr_gamma\":5}}", "method.min_snr_gamma is given"},
        {"{\"method\":{\"type\":\"smld\",\"beta_start\":0.1}}", "method.beta_start is given"},
        {"{\"method\":{\"type\":\"smld\",\"beta_end\":0.1}}", "method.beta_end is given"},
        {"{\"method\":{\"type\":\"smld\",\"time_min\":0.1}}", "method.time_min is given"},
        {"{\"method\":{\"type\":\"smld\",\"beta_min\":1}}", "method.beta_min is given"},
        {"{\"method\":{\"type\":\"sde\",\"sde\":\"ve\",\"beta_max\":1}}",
         "the method is sde ve, and the key belongs to sde vp, sde subvp;"},
        {"{\"method\":{\"type\":\"sde\",\"sigma_max\":50}}", "belongs to smld, sde ve;"},
        {"{\"method\":{\"sigma_min\":1}}", "method.sigma_min is given"},
        {"{\"method\":{\"type\":\"smld\",\"weighting\":\"likelihood\"}}",
         "method.weighting is given"},
        {"{\"method\":{\"objective\":\"exact\"}}", "method.objective is given"},
        {"{\"method\":{\"slices\":2}}", "method.slices is given"},
        {"{\"method\":{\"type\":\"smld\",\"levels\":10,\"sigma_min\":0.1,\"sigma_max\":10}}", NULL},
        {"{\"method\":{\"type\":\"sde\",\"sde\":\"ve\",\"weighting\":\"likelihood\"}}", NULL},
        {"{\"method\":{\"type\":\"sde\",\"beta_min\":1,\"beta_max\":5,\"time_min\":0.001}}", NULL},
        /* classifiers of noise levels */
        {"{\"method\":{\"type\":\"cdm\"}}", NULL},
        {"{\"method\":{\"type\":\"cdm\",\"schedule\":\"unif\",\"steps\":100,\"ce_weight\":0}}",
         NULL},
        {"{\"method\":{\"schedule\":\"unif\"}}", "\"unif\", which is for the method cdm"},
        {"{\"method\":{\"ce_weight\":1}}", "method.ce_weight is given"},
        {"{\"method\":{\"mse_weight\":2}}", "method.mse_weight is given"},
        {"{\"method\":{\"dequantise\":false}}",
         "method.dequantise is given, but the method is ddpm, and the key belongs to cdm;"},
        {"{\"method\":{\"type\":\"cdm\",\"prediction\":\"v\"}}",
         "the key belongs to ddpm, eddpm, smld, sde;"},
        {"{\"method\":{\"type\":\"cdm\",\"ce_weight\":0,\"mse_weight\":0}}",
         "method.ce_weight and method.mse_weight are both 0"},
        {"{\"method\":{\"type\":\"cdm\"},\"model\":{\"class_conditional\":true}}",
         "model.class_conditional is given, but the network of cdm"},
        {"{\"method\":{\"type\":\"cdm\"},\"model\":{\"scale_shift\":true}}",
         "model.scale_shift is given, but the network of cdm"},
        {"{\"method\":{\"type\":\"cdm\"},\"model\":{\"time\":\"positional\"}}",
         "model.time is given, but the network of cdm"},
        {"{\"method\":{\"type\":\"cdm\"},\"data\":{\"toy\":\"ring\"}}", "which classifies images"},
        {"{\"method\":{\"type\":\"cdm\"},\"model\":{\"classifier_channels\":64}}", NULL},
        {"{\"model\":{\"classifier_channels\":64}}", "model.classifier_channels is given"},
        {"{\"method\":{\"type\":\"cdm\",\"steps\":10},\"sample\":{\"steps\":11}}",
         "sample.steps is 11"},
        /* learned variance */
        {"{\"method\":{\"learn_variance\":true}}", NULL},
        {"{\"method\":{\"learn_variance\":true,\"vlb_weight\":0.01,\"prediction\":\"v\"}}", NULL},
        {"{\"method\":{\"vlb_weight\":0.01}}",
         "method.vlb_weight is 0.01, but method.learn_variance is false: without it the bound is "
         "no part of the loss"},
        {"{\"method\":{\"type\":\"smld\",\"learn_variance\":true}}",
         "method.learn_variance is given, but the method is smld"},
        {"{\"method\":{\"type\":\"sde\",\"learn_variance\":true}}",
         "the method is sde vp, and the key belongs to ddpm;"},
        {"{\"data\":{\"toy\":\"ring\"},\"method\":{\"learn_variance\":true}}",
         "the points of a data.toy have no levels of grey"},
        {"{\"method\":{\"learn_variance\":true,\"steps\":1}}", "method.steps is 1"},
        {"{\"method\":{\"learn_variance\":true},\"sample\":{\"variance\":\"large\"}}",
         "sample.variance is \"large\", but method.learn_variance is true"},
        /* a schedule even in ln SNR */
        {"{\"method\":{\"schedule\":\"logsnr\",\"logsnr_start\":11,\"logsnr_end\":-6}}", NULL},
        {"{\"method\":{\"logsnr_start\":11}}",
         "method.schedule is \"linear\": only \"logsnr\" reads it"},
        {"{\"method\":{\"logsnr_end\":-6}}",
         "method.logsnr_end is -6, but method.schedule is \"linear\""},
        {"{\"method\":{\"type\":\"sde\",\"logsnr_end\":-6}}", "method.logsnr_end is given"},
        {"{\"method\":{\"schedule\":\"logsnr\",\"logsnr_start\":-8}}",
         "method.logsnr_end (-8) is not below method.logsnr_start (-8); noise must grow"},
        {"{\"method\":{\"schedule\":\"logsnr\",\"steps\":2,\"betas\":[0.1,0.2]}}",
         "method.betas is [0.1,0.2], but method.schedule is \"logsnr\": only \"betas\" reads it"},
        /* frequencies */
        {"{\"model\":{\"input_fourier\":[6,7,8]}}", NULL},
        {"{\"data\":{\"toy\":\"ring\"},\"model\":{\"input_fourier\":[7]}}",
         "model.input_fourier is [7], but model.type is \"mlp\": the points of an mlp have no "
         "levels of grey"},
        /* noise that grows */
        {"{\"method\":{\"type\":\"smld\",\"sigma_max\":0.01}}",
         "method.sigma_min (0.01) is not below method.sigma_max (0.01)"},
        {"{\"method\":{\"type\":\"smld\",\"sigma_min\":5}}", NULL},
        {"{\"method\":{\"type\":\"sde\",\"beta_min\":21}}",
         "method.beta_min (21) is above method.beta_max (20)"},
        {"{\"method\":{\"type\":\"sde\",\"beta_min\":20}}", NULL},
        /* objectives */
        {"{\"method\":{\"type\":\"smld\",\"objective\":\"exact\"}}",
         "method.objective is \"exact\", which needs derivatives"},
        {"{\"method\":{\"type\":\"smld\",\"objective\":\"sliced\"}}",
         "method.objective is \"sliced\", which needs derivatives"},
        {"{\"data\":{\"toy\":\"ring\"},\"method\":{\"type\":\"smld\",\"objective\":\"exact\"}}",
         NULL},
        {"{\"data\":{\"toy\":\"ring\"},\"method\":{\"type\":\"sde\",\"objective\":\"exact\"}}",
         "method.objective is given, but the method is sde vp"},
        {"{\"data\":{\"toy\":\"ring\"},\"method\":{\"type\":\"sde\",\"sde\":\"ve\","
         "\"objective\":\"sliced\",\"slices\":4}}",
         NULL},
        {"{\"data\":{\"toy\":\"ring\"},\"method\":{\"type\":\"smld\",\"slices\":4}}",
         "method.slices is 4, but method.objective is \"denoising\": only \"sliced\" reads it"},
        /* choosing steps */
        {"{\"method\":{\"type\":\"eddpm\",\"keep\":20,\"schedule\":\"cosine\",\"min_snr_gamma\":5}"
         "}",
         NULL},
        {"{\"method\":{\"keep\":20}}", "method.keep is given, but the method is ddpm, and the key "
                                       "belongs to eddpm;"},
        {"{\"method\":{\"type\":\"eddpm\",\"steps\":40}}",
         "method.keep is 50, more than method.steps"},
        {"{\"method\":{\"type\":\"eddpm\"},\"train\":{\"batch\":3}}",
         "method.recipe \"tuned\" tries 4 masks in each update, which share its images, but an "
         "update "
         "has only 3; set train.batch"},
        {"{\"method\":{\"type\":\"eddpm\"},\"train\":{\"batch\":3,\"accumulate\":2}}", NULL},
        {"{\"method\":{\"type\":\"eddpm\",\"recipe\":\"paper\"},\"train\":{\"batch\":1}}", NULL},
        {"{\"method\":{\"recipe\":\"paper\"}}", "method.recipe is given, but the method is ddpm"},
        {"{\"method\":{\"type\":\"eddpm\",\"beta_start\":0.5}}",
         "method.beta_start (0.5) is above"},
        {"{\"model\":{\"time\":\"fourier\"},\"method\":{\"type\":\"eddpm\"}}",
         "model.time is \"fourier\""},
        {"{\"method\":{\"type\":\"eddpm\",\"sigma_min\":1}}", "the method is eddpm, and the key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Config c;
        Err err = {0};
        EXPECT(parse(&c, cases[i].text, &err));
        EXPECT(config_check(&c, &err) == (cases[i].part == NULL));
        if (cases[i].part) {
            EXPECT_CONTAINS(err.text, cases[i].part);
            EXPECT_INT(err.kind, ERR_USAGE);
        }
        config_free(&c);
    }
}
