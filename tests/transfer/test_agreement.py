"""Fine-tuning agrees with an independent implementation: `transformers`' GPT-2 with a linear layer at our read-out position."""

from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from gptlab.evaluation.task import Example
from gptlab.experiment import TransferConfig
from gptlab.model.interop import write_directory
from gptlab.transfer.classifier import Classifier, with_special_tokens
from gptlab.transfer.finetune import FineTuner, batches
from gptlab.transfer.inputs import Transformation

N_STEPS = 20


def test_the_first_twenty_losses_are_those_of_transformers(pretrained, tokenizer, tmp_path):
    """Same weights, examples, order, rates, clipping and lambda; L2 and L1 each within 1e-4."""
    from transformers import GPT2LMHeadModel

    config = TransferConfig(n_epochs=2, batch_size=4, learning_rate=1e-3, dropout=0.0, warmup_fraction=0.25)
    encode, rng = Transformation("entailment", tokenizer, pretrained.config.vocab_size, 64), Random(1)
    examples = [
        encode(Example((f"{'the ' * rng.randrange(5)}{('Mina', 'Jun')[i % 2]} has it.", ("Jun", "Mina")[i // 2 % 2]), label=i % 3))
        for i in range(40)
    ]
    torch.manual_seed(1)
    classifier = Classifier(with_special_tokens(pretrained, config), "entailment", 3, dropout=0.0)
    write_directory(classifier.language_model, tmp_path)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0)
    head = nn.Linear(pretrained.config.n_embd, 3)
    head.load_state_dict(classifier.head.state_dict())

    ours = [event for event in FineTuner(classifier, examples, (), config, "accuracy", "cpu").events()][:N_STEPS]

    parameters = [*theirs.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW([
        dict(params=[p for p in parameters if p.ndim > 1], weight_decay=config.weight_decay),
        dict(params=[p for p in parameters if p.ndim <= 1], weight_decay=0.0),
    ])  # fmt: skip
    theirs.train()
    n_steps = config.n_epochs * 10
    for step, (batch, event) in enumerate(zip(batches(examples, config), ours, strict=False)):
        warmup = config.warmup_fraction * n_steps
        fraction = (step + 1) / (warmup + 1) if step < warmup else (n_steps - step) / (n_steps - warmup)
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * fraction
        inside = torch.arange(batch.ids.shape[1]) < batch.lengths[:, None]
        out = theirs(batch.ids, attention_mask=inside.long(), output_hidden_states=True)
        read = out.hidden_states[-1][torch.arange(len(batch.ids)), batch.lengths - 1]
        task = F.cross_entropy(head(read), batch.labels)
        targets = batch.ids[:, 1:].masked_fill(~inside[:, 1:], -100)
        auxiliary = F.cross_entropy(out.logits[:, :-1].flatten(0, 1), targets.flatten(), ignore_index=-100)
        (task + config.auxiliary * auxiliary).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        assert np.isclose(event.task_nats, task.item(), atol=1e-4), f"step {step}"
        assert np.isclose(event.auxiliary_nats, auxiliary.item(), atol=1e-4), f"step {step}"
    assert step == N_STEPS - 1
