"""A plain PyTorch loop on handwritten digits records itself; its pictures and weights are a line each."""

import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import azml_integrations
from azml_torch import evaluate, save_model

azml_integrations.autolog()

torch.manual_seed(0)
images, labels = load_digits(return_X_y=True)
X, X_validation, y, y_validation = train_test_split(images / 16, labels, test_size=0.25, random_state=0)
training = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y))
validation = TensorDataset(torch.tensor(X_validation, dtype=torch.float32), torch.tensor(y_validation))


class Digits(nn.Module):
    """Two layers, from 64 pixels to 10 digits."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, pixels):
        return self.layers(pixels)


def curves(run):
    """Draw the loss of each step, and its means over the data; the run has every point."""
    figure = Figure((6, 3.5), layout="constrained")
    axes = figure.add_subplot(xlabel="step", ylabel="cross entropy", yscale="log")
    for name, marker in (("cross_entropy", ""), ("train_cross_entropy", "o"), ("eval_cross_entropy", "o")):
        points = run.metric_points(name)
        steps, values = [point.step for point in points], [point.value for point in points]
        axes.plot(steps, values, marker=marker, alpha=1 if marker else 0.4, label=name)
    axes.legend()
    figure.savefig("curves.png")
    return "curves.png"


model = Digits()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.7)
criterion = nn.CrossEntropyLoss()

for epoch in range(5):
    model.train()
    for pixels, digits in DataLoader(training, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        criterion(model(pixels), digits).backward()
        optimizer.step()
    scheduler.step()

    model.eval()
    right = 0
    with torch.no_grad():
        for pixels, digits in DataLoader(validation, batch_size=256):
            scores = model(pixels)
            criterion(scores, digits)
            right += (scores.argmax(1) == digits).sum().item()
    print(f"epoch {epoch + 1}: {right / len(validation):.3f} of the validation digits are read")

run = azml_integrations.current_run()
evaluate(run, model, DataLoader(validation, batch_size=256), prefix="validation")
save_model(run, model)
run.complete()  # the last points are written by now
run.log_image("curves", curves(run))
