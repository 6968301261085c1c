"""How many submissions are marked at once: what the machine has, what the process may use, what the container allows."""

import os

import pytest

from grader import processors

MANY = 64


@pytest.fixture
def many(monkeypatch):
    monkeypatch.setattr(processors, "usable", lambda: tuple(range(MANY)))


def write(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.parametrize(("files", "expected"), [
    ({}, MANY),
    ({"proc/self/cgroup": "0::/\n"}, MANY),
    ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, MANY),
    ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
    ({"proc/self/cgroup": "0::/jobs/one\n", "sys/fs/cgroup/jobs/one/cpu.max": "max 100000\n", "sys/fs/cgroup/jobs/cpu.max": "150000 100000\n"}, 2),
    ({"proc/self/cgroup": "0::/jobs\n", "sys/fs/cgroup/jobs/cpu.max": "10000 100000\n"}, 1),
    ({"proc/self/cgroup": "0::/jobs\n", "sys/fs/cgroup/jobs/cpu.max": "9900000 100000\n"}, MANY),
    ({"proc/self/cgroup": "4:memory:/x\n3:cpu,cpuacct:/host/path\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, 3),
    ({"proc/self/cgroup": "3:cpu:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, MANY),
    ({"proc/self/cgroup": "nonsense\n0::/\n", "sys/fs/cgroup/cpu.max": "much of it\n"}, MANY),
], ids=["nobody says", "no file", "no quota", "two", "of a group around it", "a tenth", "more than there are", "version 1", "version 1 without", "nonsense"])
def test_a_quota_of_the_container_counts(many, tmp_path, files, expected):
    assert processors.at_once(write(tmp_path, files)) == expected


def test_without_a_quota_it_is_what_this_process_may_use(tmp_path):
    assert processors.at_once(tmp_path) == (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
