# Trainings that start together get names of their own.
for i in 1 2 3; do
    diffc train tiny.json -q --steps 1 >out$i 2>err$i &
    eval "job$i=\$!"
done
wait $job1 && wait $job2 && wait $job3
sort out1 out2 out3
cat err1 err2 err3
ls runs
#> runs/tiny
#> runs/tiny-2
#> runs/tiny-3
#> tiny
#> tiny-2
#> tiny-3
