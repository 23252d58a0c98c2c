import numpy as np
import pytest
import torch

from gptlab.data.batches import Batches, blank_lines, evaluation_batches
from gptlab.errors import DataError

TOKENS = np.arange(1000, dtype=np.uint16)


def test_batch_holds_windows_of_the_tokens():
    batch = Batches(TOKENS, block_size=8, batch_size=5, seed=1).batch(0)
    assert batch.shape == (5, 9) and batch.dtype == torch.int64
    assert torch.equal(batch, batch[:, :1] + torch.arange(9))


def test_batch_depends_on_seed_and_step_only():
    batches = Batches(TOKENS, 8, 64, seed=1)
    first = batches.batch(7)
    batches.batch(3)
    assert torch.equal(batches.batch(7), first) and torch.equal(Batches(TOKENS, 8, 64, seed=1).batch(7), first)
    assert not torch.equal(batches.batch(8), first) and not torch.equal(Batches(TOKENS, 8, 64, seed=2).batch(7), first)


def test_batch_stays_the_same_over_versions():
    assert Batches(TOKENS, 8, 4, seed=1).batch(5)[:, 0].tolist() == [81, 241, 768, 825]


def test_steps_share_no_random_numbers():
    starts = torch.cat([Batches(np.arange(10**6), 8, 64, seed=1).batch(step)[:, 0] for step in range(20)])
    assert len(starts.unique()) > 1270


def test_every_window_can_be_drawn_and_no_other():
    batches = Batches(TOKENS[:12], 8, 256, seed=1)
    assert batches.batch(0)[:, 0].unique().tolist() == [0, 1, 2, 3]
    assert Batches(TOKENS[:9], 8, 2, seed=1).batch(0)[:, -1].tolist() == [8, 8]


def test_batch_reads_mapped_files(tmp_path):
    np.save(tmp_path / "tokens.npy", TOKENS)
    mapped = np.load(tmp_path / "tokens.npy", mmap_mode="r")
    assert torch.equal(Batches(mapped, 8, 4, 1).batch(2), Batches(TOKENS, 8, 4, 1).batch(2))


@pytest.mark.parametrize("world_size", [1, 2, 3, 6])
def test_shards_together_are_the_global_batch(world_size):
    batches = Batches(TOKENS, 8, 6, seed=1)
    shards = [batches.shard(rank, world_size).batch(3) for rank in range(world_size)]
    assert {len(shard) for shard in shards} == {6 // world_size} and torch.equal(torch.cat(shards), batches.batch(3))


def test_shard_refuses_an_uneven_batch():
    with pytest.raises(DataError, match="batch_size is 6 and there are 4 processes"):
        Batches(TOKENS, 8, 6, seed=1).shard(0, 4)


def windows(*arguments):
    return torch.cat(list(evaluation_batches(*arguments)))


def test_evaluation_batches_predict_every_token_once_at_most():
    all_windows = windows(TOKENS, 8, 7, 10**6)
    assert all_windows.shape == (124, 9)  # 999 // 8
    assert all_windows[:, 1:].flatten().tolist() == list(range(1, 993))


def test_evaluation_batches_are_spread_evenly():
    assert windows(TOKENS, 8, 3, 40)[:, 0].tolist() == [0, 192, 392, 592, 792]
    assert [len(batch) for batch in evaluation_batches(TOKENS, 8, 3, 40)] == [3, 2]


def test_evaluation_batches_hold_one_window_at_least():
    assert windows(TOKENS[:9], 8, 4, 1).tolist() == [list(range(9))]


def test_windows_begin_at_the_places_that_are_given():
    starts = np.array([0, 30, 400, 995])  # the last one has no room for a window
    batches = Batches(TOKENS, 8, 64, seed=1, starts=starts)
    found = torch.cat([batches.batch(step)[:, 0] for step in range(3)])
    assert set(found.tolist()) == {0, 30, 400}
    assert torch.equal(torch.cat([batches.shard(rank, 2).batch(0) for rank in range(2)]), batches.batch(0))


def test_documents_begin_at_blank_lines_whatever_the_tokens_are():
    pieces = [b"a", b"\n", b"\n\n", b".\n", b"\nb"]
    tokens = np.array([0, 1, 0, 1, 1, 0, 2, 0, 3, 4, 0])  # a \n a \n\n a \n\n a .\n \nb a
    assert blank_lines(tokens, pieces).tolist() == [0, 3, 6, 8]
