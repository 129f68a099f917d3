# 2 steps and 2 more give the same weights as 4, by each update rule.
weights=model/unet/diffusion_pytorch_model.safetensors
for rule in adam muon; do
    assert "straight by $rule" diffc train tiny.json -q --out "$rule" --set train.optimizer=$rule >/dev/null
    assert "half by $rule" diffc train tiny.json -q --out "$rule-halves" --set train.optimizer=$rule --steps 2 >/dev/null
    assert "rest by $rule" diffc train tiny.json -q --out "$rule-halves" --set train.optimizer=$rule --steps 4 --resume >/dev/null
    cmp $rule/$weights $rule-halves/$weights
done
if cmp -s adam/$weights muon/$weights; then echo "muon trains as adam does"; fi
