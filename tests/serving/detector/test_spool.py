"""The spool: nothing lost below its bound, counted beyond, whole after any cut."""

import os
import random
import resource
import threading
from pathlib import Path

import pytest

from timonel.errors import Busy, Unavailable
from timonel_serving.detector.spool import Spool
from timonel_serving.detector.spool.segment import HEAD

MB = 2**20


def drain(spool: Spool) -> list[bytes]:
    found: list[bytes] = []
    while records := spool.read(MB, wait=0):
        found += [record.payload for record in records]
    return found


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


def test_records_come_back_in_order_over_many_files_and_openings(tmp_path: Path) -> None:
    """What was appended is read once, in order, and again in whole by the next opening."""
    payloads = [random.Random(i).randbytes(1 + 37 * i) for i in range(200)]
    spool = Spool(tmp_path, 4 * MB)
    for payload in payloads[:150]:
        spool.append(payload, 1)
    assert drain(spool) == payloads[:150]
    spool.close()
    again = Spool(tmp_path, 4 * MB)
    for payload in payloads[150:]:
        again.append(payload, 1)
    assert drain(again) == payloads
    assert drain(again) == []
    assert len(files(tmp_path)) > 1
    again.close()


def test_the_oldest_goes_first_at_the_bound_and_is_counted(tmp_path: Path) -> None:
    """The bound holds at all times; events shed unread and those left make up all that was appended."""
    spool = Spool(tmp_path, 64 * 1024)
    for i in range(1000):
        spool.append(i.to_bytes(4, "big") + bytes(996), 3)
        assert sum(f.stat().st_size for f in files(tmp_path)) <= 64 * 1024
    left = [int.from_bytes(p[:4], "big") for p in drain(spool)]
    assert left == list(range(1000 - len(left), 1000))
    assert spool.losses.shed == 3 * (1000 - len(left))
    assert spool.losses.forgotten == 0
    assert len(left) > 50
    spool.close()


def test_what_was_read_is_forgotten_not_lost(tmp_path: Path) -> None:
    """A reader that keeps up loses nothing at the bound; in the midst of a file only the unread part."""
    spool = Spool(tmp_path, 64 * 1024)
    for _ in range(200):
        spool.append(bytes(1000), 1)
        assert len(spool.read(MB, wait=0)) == 1
    assert spool.losses.shed == 0
    assert spool.losses.forgotten > 100
    before = spool.losses.forgotten
    read_again = 0
    for _ in range(100):
        spool.append(bytes(1000), 1)
        if read_again < 2:
            read_again += len(spool.read(1, wait=0))
    left = len(drain(spool))
    assert spool.losses.shed == 100 - 2 - left
    assert spool.losses.forgotten > before
    spool.close()


@pytest.mark.parametrize("cut", [1, 5, 11, 12, 13, 400, 1011])
def test_a_torn_end_is_cut_to_the_last_whole_record(tmp_path: Path, cut: int) -> None:
    """After a power loss in the midst of a record the rest is kept, and writing goes on behind it."""
    spool = Spool(tmp_path, MB)
    for i in range(5):
        spool.append(bytes([i]) * 1000, 1)
    spool.close()
    (last,) = files(tmp_path)
    os.truncate(last, last.stat().st_size - cut)
    again = Spool(tmp_path, MB)
    assert again.losses.truncated_bytes == 1000 + HEAD.size - cut
    again.append(b"new", 1)
    assert drain(again) == [bytes([i]) * 1000 for i in range(4)] + [b"new"]
    again.close()


@pytest.mark.parametrize("tail", [bytes(4096), b"\xff" * 4096, b"\x01"])
def test_rubbish_at_the_end_is_cut(tmp_path: Path, tail: bytes) -> None:
    """Zeros or noise where a file system had made room are no records."""
    spool = Spool(tmp_path, MB)
    spool.append(b"one", 1)
    spool.close()
    with files(tmp_path)[0].open("ab") as stream:
        stream.write(tail)
    again = Spool(tmp_path, MB)
    assert again.losses.truncated_bytes == len(tail)
    assert drain(again) == [b"one"]
    again.close()


def test_damage_in_the_middle_costs_the_rest_of_its_file_only(tmp_path: Path) -> None:
    """A flipped bit is found by the CRC, its file's rest skipped and counted, the next file read."""
    spool = Spool(tmp_path, 160 * 1024)
    for i in range(50):
        spool.append(i.to_bytes(2, "big") + bytes(998), 1)
    spool.close()
    first = files(tmp_path)[0]
    data = bytearray(first.read_bytes())
    data[2 * (1000 + HEAD.size) + 500] ^= 1
    first.write_bytes(data)
    again = Spool(tmp_path, 160 * 1024)
    kept = [int.from_bytes(p[:2], "big") for p in drain(again)]
    in_first = len(data) // (1000 + HEAD.size)
    assert kept == [0, 1, *range(in_first, 50)]
    assert again.losses.corrupt_bytes == len(data) - 2 * (1000 + HEAD.size)
    again.close()


def test_reading_resumes_where_it_was_released(tmp_path: Path) -> None:
    """What was released is not read again, and its whole files are gone."""
    spool = Spool(tmp_path, 160 * 1024)
    for i in range(50):
        spool.append(i.to_bytes(2, "big") + bytes(998), 1)
    records = spool.read(35_000, wait=0)
    before = len(files(tmp_path))
    spool.release(records[-1].start)
    assert len(files(tmp_path)) < before
    spool.close()
    again = Spool(tmp_path, 160 * 1024)
    assert again.read(1, wait=0)[0].payload == records[-1].payload
    assert again.losses.shed == again.losses.forgotten == 0
    again.close()


def test_one_process_holds_a_spool(tmp_path: Path) -> None:
    """A second detector on the same folder is refused, until the first one ends."""
    spool = Spool(tmp_path, MB)
    with pytest.raises(Busy, match="another detector"):
        Spool(tmp_path, MB)
    spool.close()
    Spool(tmp_path, MB).close()


def test_a_disk_that_takes_no_more_is_an_error_and_recovers(tmp_path: Path) -> None:
    """A failed write leaves no half record behind; once there is room again writing goes on."""
    spool = Spool(tmp_path, 16 * MB)
    spool.append(b"before", 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(Unavailable, match="cannot be written"):
            spool.append(bytes(1000), 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    spool.append(b"after", 1)
    assert drain(spool) == [b"before", b"after"]
    spool.close()


def test_a_record_larger_than_the_spool_is_refused(tmp_path: Path) -> None:
    """It would shed everything and still not fit."""
    spool = Spool(tmp_path, 1000)
    spool.append(b"kept", 1)
    with pytest.raises(Unavailable, match="larger than the whole spool"):
        spool.append(bytes(1000), 1)
    assert drain(spool) == [b"kept"]
    spool.close()


def test_a_reader_beside_a_writer_sees_each_record_once(tmp_path: Path) -> None:
    """Threads that append, sync and read at once lose and double nothing."""
    spool = Spool(tmp_path, 8 * MB)
    found: list[int] = []

    def write() -> None:
        for i in range(3000):
            spool.append(i.to_bytes(4, "big") + bytes(500), 1)
            if i % 500 == 0:
                spool.sync()

    writer = threading.Thread(target=write)
    writer.start()
    while len(found) < 3000 and (records := spool.read(10_000, wait=5)):
        found += [int.from_bytes(r.payload[:4], "big") for r in records]
    writer.join()
    assert found == list(range(3000))
    assert spool.sync() == spool.end
    spool.close()
