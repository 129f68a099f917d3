# A loss that is not finite stops the run with exit 3; the message names step and rate.
diffc train tiny.json -q --out run --steps 200 --set train.lr=10 --set train.optimizer=adamw --set train.weight_decay=10 --set train.warmup=0 2>message
echo "exit $?"
sed 's/step [0-9]*:/step N:/; s/is [-a-z0-9.+]* and/is X and/; s/norm [-a-z0-9.+]*/norm X/' message
#> exit 3
#> diffc train: step N: the loss is X and the gradient norm X at learning rate 10; the weights were not changed and the last good checkpoint stays (a lower train.lr or a longer train.warmup may help)
