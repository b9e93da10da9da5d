import os
import signal
import time

import pytest

from data_prep.errors import SourceError, UserError
from data_prep.parallel import in_order


def slow_square(item, offset):
    """Later items are done first."""
    time.sleep(0.02 * (4 - item))
    return item * item + offset, os.getpid()


def fail_at_two(item):
    if item == 2:
        raise SourceError("item 2: torn")
    return item


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_items(jobs):
    results = list(in_order(slow_square, [0, 1, 2, 3], jobs, 100))
    assert [value for value, _ in results] == [100, 101, 104, 109]


def test_one_job_works_in_this_process():
    assert {pid for _, pid in in_order(slow_square, [2, 3], 1, 0)} == {os.getpid()}


def test_two_jobs_work_in_others():
    assert os.getpid() not in {pid for _, pid in in_order(slow_square, [0, 1, 2, 3], 2, 0)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_fault_comes_as_it_was_raised(jobs):
    with pytest.raises(SourceError, match="item 2: torn"):
        list(in_order(fail_at_two, [0, 1, 2, 3], jobs))


def test_nothing_to_do():
    assert list(in_order(fail_at_two, [], 4)) == []


def test_few_results_wait_for_a_slow_consumer(tmp_path):
    results = in_order(leave_a_mark, list(range(12)), 2, tmp_path)
    assert next(results) == 0
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) <= 5
    results.close()


def leave_a_mark(item, folder):
    (folder / str(item)).touch()
    return item


def test_a_consumer_that_stops_early_ends_without_a_warning(recwarn):
    results = in_order(slow_square, [0, 1, 2, 3], 2, 0)
    next(results)
    results.close()
    assert list(recwarn) == []


def die(item):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_killed_is_one_line_with_the_way_out():
    with pytest.raises(UserError, match="ended from outside, often for want of memory.*--jobs 1"):
        list(in_order(die, [0, 1], 2))
