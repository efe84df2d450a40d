import psutil

from trainer.data.device import free_memory


def test_without_a_gpu_the_memory_is_the_hosts() -> None:
    available = psutil.virtual_memory().available
    # A container may allow less, and other processes take and give back memory meanwhile.
    assert 0 < free_memory.free_bytes() < 1.5 * available
