"""What each of two processes does: a half of the data, gradients shared by gloo; submitted by submit_torch_ranks.py."""

import torch
import torch.distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from azml_integrations.core import Run

torch.distributed.init_process_group("gloo")  # RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT are there
rank = torch.distributed.get_rank()
run = Run.get_context()

generator = torch.Generator().manual_seed(0)
X = torch.randn(512, 8, generator=generator)
data = TensorDataset(X, X.sum(1, keepdim=True))
sampler = DistributedSampler(data, seed=0)
torch.manual_seed(0)
model = DistributedDataParallel(nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(3):
    sampler.set_epoch(epoch)
    seen = 0
    for inputs, targets in DataLoader(data, batch_size=32, sampler=sampler):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        seen += len(inputs)
    torch.distributed.all_reduce(loss, op=torch.distributed.ReduceOp.SUM)
    print(f"rank {rank} has seen {seen} rows in epoch {epoch}")
    if rank == 0:
        run.log("loss", loss.item() / torch.distributed.get_world_size(), step=epoch)
torch.distributed.destroy_process_group()
