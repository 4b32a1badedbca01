"""Numbers taken from tensors without ever waiting for a device.

A number on the CPU is read at once. One on an accelerator is copied there into a buffer of its own, so that a later
``loss /= k`` does not change it, and many come back together.
"""

from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 256
"""Numbers that come back from a device together, unless `PATIENCE` is over before."""

PATIENCE = 1.0
"""How long a number waits on its device for others [s], as long as steps are made."""

CAPACITY = 16 * BATCH
"""Numbers that wait on one device at most; beyond that new ones are left out, rather than waited for."""


class Later:
    """A number that is still on its device.

    Parameters
    ----------
    store : DeviceNumbers
        Where it waits.
    number : int
        Its place there, counted from 0 for ever.
    """

    __slots__ = ("_number", "_store")

    def __init__(self, store: "DeviceNumbers", number: int) -> None:
        self._store, self._number = store, number

    def here(self) -> bool:
        """Tell whether it has come."""
        return self._number < self._store.arrived

    def value(self) -> float | None:
        """Return it, once; it has to be here. None if it was given up."""
        return self._store.take(self._number)


Reading = float | Later


def value_of(reading: Reading) -> float | None:
    """Return a number that is here; None if it was given up."""
    return reading.value() if isinstance(reading, Later) else reading


class Transfer(Protocol):
    """A copy that is under way from a device."""

    def done(self) -> bool:
        """Tell whether it is over, without waiting."""

    def wait(self) -> None:
        """Wait until it is over."""

    def values(self) -> list[float]:
        """Return what came."""


class Device(Protocol):
    """What one kind of accelerator has to be able to do."""

    def free(self) -> bool:
        """Tell whether the device may be touched now."""

    def put(self, slot: int, scalar: Tensor) -> None:
        """Copy a scalar into a slot, in order with the user's own work."""

    def fetch(self, first: int, count: int) -> Transfer:
        """Begin to copy slots to the host, after what has been put into them."""


class DeviceNumbers:
    """The numbers of one device: a ring of slots there, read back in batches.

    Parameters
    ----------
    device : Device
        How to copy.
    capacity : int, default=CAPACITY
        Number of slots.

    Attributes
    ----------
    arrived : int
        How many have come back so far, or were given up.
    lost : int
        How many were left out because the ring was full.
    """

    def __init__(self, device: Device, capacity: int = CAPACITY) -> None:
        self.arrived = self.lost = 0
        self._device, self._capacity = device, capacity
        self._put = self._sent = 0
        self._since = 0.0
        self._under_way: list[tuple[Transfer, int, int]] = []
        self._values: dict[int, float] = {}

    def put(self, scalar: Tensor) -> Later | None:
        """Keep a number; None where it cannot be kept now."""
        if self._put - self.arrived >= self._capacity:
            self.lost += 1
            return None
        if not self._device.free():
            return None
        self._device.put(self._put % self._capacity, scalar)
        self._put += 1
        return Later(self, self._put - 1)

    def turn(self, now: float) -> None:
        """Take in what has come, and send for more when it is time; never wait.

        Parameters
        ----------
        now : float
            The time [s], on any clock that does not jump.
        """
        if not self._device.free():
            return
        while self._under_way and self._under_way[0][0].done():
            self._take_in()
        waiting = self._put - self._sent
        if not waiting:
            self._since = now
        elif waiting >= BATCH or now - self._since >= PATIENCE:
            self._send()
            self._since = now

    def finish(self) -> None:
        """Wait for everything, the one time that somebody does; what cannot be had now is given up."""
        if not self._device.free():
            self._under_way.clear()
            self.arrived = self._sent = self._put
            return
        self._send()
        while self._under_way:
            self._under_way[0][0].wait()
            self._take_in()

    def take(self, number: int) -> float | None:
        """Return a number that has come, once; None if it was given up."""
        return self._values.pop(number, None)

    def _send(self) -> None:
        while self._sent < self._put:
            first = self._sent % self._capacity
            count = min(self._put - self._sent, self._capacity - first)  # a ring is copied in at most two pieces
            self._under_way.append((self._device.fetch(first, count), self._sent, count))
            self._sent += count

    def _take_in(self) -> None:
        transfer, first, count = self._under_way.pop(0)
        self._values.update(zip(range(first, first + count), transfer.values(), strict=True))
        self.arrived = first + count


class Numbers:
    """Reads scalars of any device.

    Attributes
    ----------
    devices : dict of torch.device to DeviceNumbers
        The accelerators that a number was ever read from.
    """

    def __init__(self) -> None:
        self.devices: dict[torch.device, DeviceNumbers] = {}

    @property
    def waiting(self) -> bool:
        """Whether any number was ever read from an accelerator."""
        return bool(self.devices)

    @property
    def lost(self) -> int:
        """How many numbers were left out because a device was too far behind."""
        return sum(store.lost for store in self.devices.values())

    def read(self, tensor: Tensor) -> Reading | None:
        """Return the number in a tensor of one element, now or later; None if there is no telling.

        Complex numbers, fake tensors, tensors under ``vmap`` and the like cannot be told; a sharded one would need
        all processes.
        """
        if not _is_plain(tensor) or tensor.numel() != 1:
            return None
        if tensor.is_cpu:
            value = tensor.item()
            return value if type(value) is float else None if type(value) is complex else float(value)
        if tensor.is_complex():
            return None
        if tensor.device.type == "meta":
            return None
        return self._store(tensor.device).put(tensor.detach().reshape(()))

    def turn(self, now: float) -> None:
        """Let every device send and receive; never wait."""
        for store in self.devices.values():
            store.turn(now)

    def finish(self) -> None:
        """Wait until all numbers are here."""
        for store in self.devices.values():
            store.finish()

    def _store(self, device: torch.device) -> DeviceNumbers:
        store = self.devices.get(device)
        if store is None:
            make: Callable[[torch.device], Device] = CudaDevice if device.type == "cuda" else OtherDevice
            store = self.devices[device] = DeviceNumbers(make(device))
        return store


is_transformed = torch._C._functorch.is_functorch_wrapped_tensor  # noqa: SLF001 - no public way to ask
"""Tells whether a tensor is one of ``torch.func``, under ``vmap`` or ``grad``."""


def _is_plain(tensor: Tensor) -> bool:
    """Tell whether a tensor is one of numbers, and not a stand-in for one."""
    if type(tensor) is not Tensor and type(tensor).__torch_dispatch__ != Tensor.__torch_dispatch__:
        return False  # fake, functional, distributed
    return not is_transformed(tensor)


# -- the devices -------------------------------------------------------------------------------------


class CudaDevice:
    """Slots in the memory of a CUDA device, and a stream of our own beside the user's.

    The copy into a slot is one small kernel on the user's stream. The way back runs on the other stream, into pinned
    memory, behind events; whether it is over is asked, not waited for. While a CUDA graph is captured nothing is
    touched.

    Parameters
    ----------
    device : torch.device
        Which.
    capacity : int, default=CAPACITY
        Number of slots.
    """

    def __init__(self, device: torch.device, capacity: int = CAPACITY) -> None:
        self._device = device
        self._capacity = capacity
        self._buffer: Tensor | None = None
        self._slots: list[Tensor] = []
        self._known: set[int] = set()
        self._written_on: dict[int, Any] = {}

    def free(self) -> bool:
        """Tell whether no CUDA graph is captured."""
        return not torch.cuda.is_current_stream_capturing()

    def put(self, slot: int, scalar: Tensor) -> None:
        """Copy a scalar into a slot, on the stream that the user is on."""
        stream = torch.cuda.current_stream(self._device)
        if self._buffer is None:
            self._begin(stream)
        if stream.stream_id not in self._known:  # the memory was another stream's before
            stream.wait_event(self._born)
            self._known.add(stream.stream_id)
        self._written_on[stream.stream_id] = stream
        with torch.no_grad():
            self._slots[slot].copy_(scalar, non_blocking=True)

    def fetch(self, first: int, count: int) -> "CudaTransfer":
        """Begin to copy slots into pinned memory, on the other stream."""
        assert self._buffer is not None  # noqa: S101 - something has been put
        for stream in self._written_on.values():
            self._side.wait_event(stream.record_event())
        self._written_on.clear()
        host = torch.empty(count, dtype=torch.float64, pin_memory=True)
        with torch.cuda.stream(self._side), torch.no_grad():
            host.copy_(self._buffer[first : first + count], non_blocking=True)
        return CudaTransfer(host, self._side.record_event())

    def _begin(self, stream: Any) -> None:
        self._buffer = torch.empty(self._capacity, dtype=torch.float64, device=self._device)
        self._slots = list(self._buffer.unbind())
        self._side = torch.cuda.Stream(self._device)
        self._born = stream.record_event()
        self._known.add(stream.stream_id)


class CudaTransfer:
    """A copy into pinned memory, and the event behind it."""

    def __init__(self, host: Tensor, behind: Any) -> None:
        self._host, self._behind = host, behind

    def done(self) -> bool:
        """Tell whether the event has been reached, without waiting."""
        return bool(self._behind.query())

    def wait(self) -> None:
        """Wait for the event."""
        self._behind.synchronize()

    def values(self) -> list[float]:
        """Return what was copied."""
        return self._host.tolist()


class OtherDevice:
    """Any other accelerator: copies are kept there and fetched together, which waits once in `BATCH` numbers.

    Parameters
    ----------
    device : torch.device
        Which.
    """

    def __init__(self, device: torch.device) -> None:
        self._kept: dict[int, Tensor] = {}

    def free(self) -> bool:
        """Tell whether the device may be touched: always."""
        return True

    def put(self, slot: int, scalar: Tensor) -> None:
        """Keep a copy."""
        with torch.no_grad():
            self._kept[slot] = scalar.to(torch.float32, copy=True)

    def fetch(self, first: int, count: int) -> "Fetched":
        """Fetch copies at once."""
        with torch.no_grad():
            return Fetched(torch.stack([self._kept.pop(slot) for slot in range(first, first + count)]).tolist())


class Fetched:
    """Numbers that are here already."""

    def __init__(self, values: list[float]) -> None:
        self._values = values

    def done(self) -> bool:
        """Tell that they are here."""
        return True

    def wait(self) -> None:
        """Wait for nothing."""

    def values(self) -> list[float]:
        """Return them."""
        return self._values
