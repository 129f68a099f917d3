assert bench diffc bench tiny.json -q --json --seconds 0 --batch 2 --threads 2 >line
assert "one line" test "$(wc -l <line)" -eq 1
for key in params forward_gflop train_images_per_s sample_forwards_per_s threads thread_gain batch peak_memory_bytes; do
    assert "member $key" grep -q "\"$key\":[0-9]*[1-9.]" line
done
grep -o '"threads":2,"batch":2' line
#> "threads":2,"batch":2
