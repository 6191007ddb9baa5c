import json
from pathlib import Path

import pytest
import torch
from torch import nn

from training.run import Course, precision, train


def course(folder: Path, steps: int) -> Course:
    return Course(folder=folder, steps=steps, learning_rate=0.05, warmup=5, save_every=50, average=0.9)


def fit(folder: Path, steps: int) -> nn.Linear:
    torch.manual_seed(3)
    model = nn.Linear(4, 1)

    def loss_of(step: int) -> torch.Tensor:
        inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
        return (model(inputs)[:, 0] - inputs.sum(1)).square().mean()

    train(course(folder, steps), model, loss_of)
    return model


def test_training_lowers_the_loss_and_logs_it(tmp_path: Path) -> None:
    fit(tmp_path, 200)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(losses) == 4
    assert losses[-1] < 0.05 * losses[0]


def test_a_finished_training_is_resumed_and_not_begun_again(tmp_path: Path) -> None:
    first = fit(tmp_path, 100)
    again = fit(tmp_path, 100)
    assert torch.equal(first.weight, again.weight)


@pytest.mark.parametrize("native", [True, False])
def test_a_cpu_computes_in_bfloat16_only_where_it_can(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": native})
    with precision("cpu"):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if native else torch.float32)
