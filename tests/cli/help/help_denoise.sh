diffc denoise --help
#> usage: diffc denoise NOISY.png | --data PATH [options]
#>
#> Remove the noise from an image with a trained model.
#>
#>   diffc denoise data/boot-noisy.png --sigma 25 --out clean.png
#>   diffc denoise -m runs/demo --data /usr/share/datasets/fashion-mnist --level 250
#>
#> Model:
#>   -m, --model PATH        run folder, model folder in the layout of diffusers,
#>                           or a checkpoint of a run,
#>                           RUN/checkpoints/step-N.safetensors (default: the
#>                           newest run under runs/)
#>       --weights KIND      the moving average, or the weights that training
#>                           reached last: of a checkpoint, of a run's newest one,
#>                           or of unet beside unet_ema (average, last; default:
#>                           average)
#>       --label CLASS       class of the image, by name or number, for models with
#>                           classes (default: with --data each image's own; else
#>                           none where the model can do without)
#>
#> Noise:
#>       --sigma X           standard deviation of the noise, in levels of grey (of
#>                           256) (0 to 1000000; default: found by the model (cdm))
#>       --level T           the same as a noise level of the model, 0 for none
#>                           (ddpm, smld, eddpm, cdm) (0 to 1000000)
#>
#> Images:
#>   -o, --out FILE          where the result goes, as PNG; an existing file is
#>                           replaced, with a note (default: the image's name with
#>                           -clean-1, or the next free number)
#>       --data PATH         add noise to the images of a data set (IDX, CIFAR-10)
#>                           or a folder and measure how well the model predicts it
#>       --part NAME         part of the data set (train, test; default: test,
#>                           where there is one)
#>   -n, --count N           images of the data set (1 to 1000000000; default: all)
#>       --resize            make images of another size or another number of
#>                           channels fit
#>       --seed N            seed of the noise that is added (default: 0)
#>
#> General:
#>       --threads N         threads; the results do not depend on it (1 to 256;
#>                           default: OMP_NUM_THREADS, or one per CPU that diffc
#>                           may use; one per core, where a second CPU of the core
#>                           adds nothing (--version shows it))
#>       --json              results as one JSON object a line
#>   -q, --quiet             no narration and no progress
#>   -h, --help              this text
#>
#> The noise is taken to be independent, normal and equally strong everywhere; the
#> result is the mean of all images that could lie behind it. A model of the method
#> cdm finds out how strong the noise is, and --sigma can be left out; other models
#> need --sigma or --level. With --data the figure is the mean squared error of the
#> predicted noise, in units of its variance, by which models are compared.
