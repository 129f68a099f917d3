# Each ends with 0 and finite figures above 0: the update of every method, and the call of its network.
count=0
for config in "$REPOSITORY"/configs/*.json; do
    case $config in
    */fashion-*) small='--set data.size=28 --set data.channels=1' ;; # the data set is not needed
    */cifar10-*) small='--set model.channels=32' ;;
    *) small= ;;
    esac
    assert "$config ends well" diffc bench "$config" -q --json --seconds 0 --repeat 1 --batch 4 $small >line
    for figure in params forward_gflop train_images_per_s sample_forwards_per_s train_gflops sample_gflops; do
        assert "$config, $figure" grep -qE "\"$figure\":[0-9.]*[1-9][0-9.]*(e[-+][0-9]+)?[,}]" line
    done
    count=$((count + 1))
done
assert "every configuration" test "$count" -eq "$(ls "$REPOSITORY"/configs/*.json | wc -l)"
# The objectives that differentiate the score by the point take other passes than denoising does.
for objective in exact sliced; do
    assert "$objective" diffc bench "$REPOSITORY/configs/toy-two-modes.json" -q --json --seconds 0 --repeat 1 \
        --batch 4 --set method.objective=$objective >line
    assert "$objective is finite" grep -qE '"train_images_per_s":[0-9.]*[1-9]' line
done
# So do passes with the derivative by the point.
diffc bench "$REPOSITORY/configs/toy-two-modes.json" -q --layers --seconds 0 --repeat 1 --batch 4 --task train \
    --set method.objective=exact >out
assert "second backward" grep -q 'tangent .*second backward' out
