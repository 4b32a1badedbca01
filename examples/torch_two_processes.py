"""Two processes train one model (gloo, on the CPU); the first of them records, in one run."""

import tempfile
from pathlib import Path

import torch
import torch.distributed
import torch.multiprocessing
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import azml_integrations

azml_integrations.autolog()


def work(rank, meeting_point):
    torch.distributed.init_process_group("gloo", init_method=meeting_point, rank=rank, world_size=2)
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(512, 8, generator=generator)
    data = TensorDataset(X, X.sum(1, keepdim=True))
    sampler = DistributedSampler(data, seed=0)
    torch.manual_seed(0)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    criterion = nn.MSELoss()
    for epoch in range(3):
        sampler.set_epoch(epoch)
        for inputs, targets in DataLoader(data, batch_size=32, sampler=sampler):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(work, args=(f"file://{Path(folder) / 'meet'}",), nprocs=2)
