"""Numbers come back from a device in batches, in order, and nobody waits for them."""

import pytest
import torch

from azml_torch import readings
from azml_torch.readings import BATCH, CudaDevice, DeviceNumbers, Numbers, OtherDevice


class Copy:
    """A copy that is over when a test says so."""

    def __init__(self, values):
        self.over, self.waited, self._values = False, False, values

    def done(self):
        return self.over

    def wait(self):
        self.waited = self.over = True

    def values(self):
        return self._values


class Slow:
    """A device whose copies take as long as a test wants."""

    def __init__(self):
        self.slots, self.copies, self.capturing = {}, [], False

    def free(self):
        return not self.capturing

    def put(self, slot, scalar):
        self.slots[slot] = float(scalar)

    def fetch(self, first, count):
        self.copies.append(Copy([self.slots[slot] for slot in range(first, first + count)]))
        return self.copies[-1]


@pytest.fixture
def slow():
    return Slow()


def test_numbers_come_back_in_batches(slow):
    """None before the batch is full or its time is over; then all of them, in order."""
    numbers = DeviceNumbers(slow)
    numbers.turn(0.0)
    kept = [numbers.put(float(value)) for value in range(BATCH)]
    numbers.turn(0.1)
    assert len(slow.copies) == 1
    assert not kept[0].here()

    slow.copies[0].over = True
    numbers.turn(0.2)

    assert all(number.here() for number in kept)
    assert [number.value() for number in kept] == [float(value) for value in range(BATCH)]
    assert not slow.copies[0].waited


def test_few_numbers_come_back_after_a_second(slow):
    """As long as steps are made."""
    numbers = DeviceNumbers(slow)
    numbers.turn(0.0)
    number = numbers.put(3.0)
    numbers.turn(0.5)
    assert slow.copies == []

    numbers.turn(1.1)
    slow.copies[0].over = True
    numbers.turn(1.2)

    assert number.value() == 3.0


def test_a_slot_is_used_again_only_when_its_number_has_come(slow):
    """A full ring leaves numbers out, and counts them, rather than to wait."""
    numbers = DeviceNumbers(slow, capacity=4)
    kept = [numbers.put(float(value)) for value in range(4)]
    assert numbers.put(9.0) is None
    assert numbers.lost == 1

    numbers.finish()

    assert numbers.put(5.0) is not None
    assert [number.value() for number in kept] == [0.0, 1.0, 2.0, 3.0]


def test_the_end_of_the_ring_is_copied_in_two_pieces(slow):
    """Slots that are not side by side."""
    numbers = DeviceNumbers(slow, capacity=4)
    for value in range(3):
        numbers.put(float(value))
    numbers.finish()
    kept = [numbers.put(float(value)) for value in (7, 8, 9)]

    numbers.finish()

    assert [number.value() for number in kept] == [7.0, 8.0, 9.0]
    assert len(slow.copies) == 3
    assert all(copy.waited for copy in slow.copies)


def test_nothing_is_touched_while_a_graph_is_captured(slow):
    """Neither to keep a number, nor to fetch one, nor to ask; the end gives up what cannot be had."""
    numbers = DeviceNumbers(slow)
    numbers.turn(0.0)
    number = numbers.put(1.0)
    slow.capturing = True

    assert numbers.put(2.0) is None
    numbers.turn(5.0)
    assert slow.copies == []
    numbers.finish()

    assert number.here()
    assert number.value() is None


class Event:
    def __init__(self, log, name):
        self.log, self.name, self.reached = log, name, False

    def query(self):
        self.log.append(f"ask {self.name}")
        return self.reached

    def synchronize(self):
        self.log.append(f"wait for {self.name}")


class Stream:
    """A CUDA stream that writes down what it is asked to do."""

    def __init__(self, log, number):
        self.log, self.stream_id, self.events = log, number, 0

    def record_event(self):
        self.events += 1
        event = Event(self.log, f"{self.stream_id}.{self.events}")
        self.log.append(f"record {event.name}")
        return event

    def wait_event(self, event):
        self.log.append(f"{self.stream_id} after {event.name}")

    def __enter__(self):
        self.log.append(f"enter {self.stream_id}")

    def __exit__(self, *_):
        self.log.append(f"leave {self.stream_id}")


@pytest.fixture
def cuda(monkeypatch):
    """A machine whose CUDA device is the CPU; what would be asked of the driver is written down."""
    log = []
    streams = {"current": Stream(log, 1), "capturing": False}
    empty = torch.empty
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: streams["capturing"])
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: streams["current"])
    monkeypatch.setattr(torch.cuda, "Stream", lambda _: Stream(log, 9))
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: stream)

    def without_pins(*size, pin_memory=False, **settings):
        log.append("pinned" if pin_memory else "allocated")
        return empty(*size, **settings)

    monkeypatch.setattr(torch, "empty", without_pins)
    streams["log"] = log
    return streams


def test_cuda_copies_run_beside_the_users_stream(cuda):
    """The way back waits, on the device, for what was written; the host asks and does not wait."""
    numbers = DeviceNumbers(CudaDevice(torch.device("cpu")))
    numbers.turn(0.0)
    number = numbers.put(torch.tensor(2.5))
    numbers.turn(2.0)
    numbers.turn(2.1)

    assert cuda["log"] == [
        "allocated",
        "record 1.1",
        "record 1.2",
        "9 after 1.2",
        "pinned",
        "enter 9",
        "leave 9",
        "record 9.1",
        "ask 9.1",
    ]
    assert not number.here()
    numbers.finish()
    assert cuda["log"][-1] == "wait for 9.1"
    assert number.value() == 2.5


def test_cuda_numbers_of_several_streams_are_all_waited_for(cuda):
    """A second stream writes only after the memory was made, and is waited for too."""
    numbers = DeviceNumbers(CudaDevice(torch.device("cpu")))
    numbers.put(torch.tensor(1.0))
    cuda["current"] = Stream(cuda["log"], 2)
    kept = numbers.put(torch.tensor(2.0))
    numbers.finish()

    assert "2 after 1.1" in cuda["log"]
    assert {"9 after 1.2", "9 after 2.1"} <= set(cuda["log"])
    assert kept.value() == 2.0


def test_cuda_is_left_alone_while_a_graph_is_captured(cuda):
    """Not even asked."""
    numbers = DeviceNumbers(CudaDevice(torch.device("cpu")))
    cuda["capturing"] = True
    assert numbers.put(torch.tensor(1.0)) is None
    numbers.turn(5.0)
    assert cuda["log"] == []


def test_a_later_change_of_the_tensor_changes_nothing(cuda):
    """``loss /= k`` after the criterion."""
    for device in (CudaDevice(torch.device("cpu")), OtherDevice(torch.device("cpu"))):
        numbers = DeviceNumbers(device)
        loss = torch.tensor(8.0)
        kept = numbers.put(loss)
        loss /= 4
        numbers.finish()
        assert kept.value() == 8.0


def test_other_accelerators_fetch_together():
    """Any kind of number, one copy for all."""
    numbers = DeviceNumbers(OtherDevice(torch.device("cpu")))
    kept = [numbers.put(value) for value in (torch.tensor(1), torch.tensor(0.5, dtype=torch.bfloat16))]
    numbers.finish()

    assert [number.value() for number in kept] == [1.0, 0.5]


@pytest.mark.parametrize(
    ("tensor", "number"),
    [
        (torch.tensor(1.5), 1.5),
        (torch.tensor(3), 3.0),
        (torch.tensor([2.0]), 2.0),
        (torch.tensor([1.0, 2.0]), None),
        (torch.tensor(1j), None),
        (torch.tensor(1.0, device="meta"), None),
    ],
)
def test_what_is_one_number_is_read(tensor, number):
    """On the CPU at once, which waits for nothing."""
    assert Numbers().read(tensor) == number


def test_each_device_has_a_ring_of_its_own(monkeypatch):
    """Two GPUs of one process."""
    made = []
    monkeypatch.setattr(readings, "OtherDevice", lambda device: made.append(device) or Slow())

    class Elsewhere(torch.Tensor):
        where = torch.device("mps")
        is_cpu = False

        @property
        def device(self):
            return self.where

    numbers = Numbers()
    one, two = torch.tensor(1.0).as_subclass(Elsewhere), torch.tensor(2.0).as_subclass(Elsewhere)
    two.where = torch.device("xpu", 1)
    kept = [numbers.read(one), numbers.read(two), numbers.read(one)]
    assert numbers.waiting
    assert made == [torch.device("mps"), torch.device("xpu", 1)]
    numbers.finish()

    assert [number.value() for number in kept] == [1.0, 2.0, 1.0]
