# One thread and three give the same weights, by each update rule.
weights=model/unet/diffusion_pytorch_model.safetensors
for rule in adam muon; do
    assert "one by $rule" diffc train tiny.json -q --out "$rule-one" --threads 1 --set train.optimizer=$rule >/dev/null
    assert "three by $rule" diffc train tiny.json -q --out "$rule-three" --threads 3 --set train.optimizer=$rule >/dev/null
    cmp $rule-one/$weights $rule-three/$weights
done
