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
