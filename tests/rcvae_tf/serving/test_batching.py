"""The queue in front of a model."""

import asyncio
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from rcvae_tf.serving.batching import Batcher
from rcvae_tf.serving.errors import BadRequest, Overloaded


class Model:
    """Doubles `x`; waits at a gate, so that requests come together behind it."""

    def __init__(self):
        self.batches = []
        self.gate = threading.Event()

    def call(self, signature, inputs):
        self.batches.append((signature, inputs["x"].tolist()))
        if not self.gate.wait(20):
            raise TimeoutError
        if signature == "broken":
            raise RuntimeError("broken")
        return {"y": inputs["x"] * 2}


def rows(*values):
    return {"x": np.array(values, np.float32)}


def run(model, scenario, **limits):
    batcher = Batcher(model.call, **{"most_rows": 8, "most_waiting": 100, **limits})

    async def bounded():
        async with asyncio.timeout(30):
            return await scenario(batcher)

    return asyncio.run(bounded())


async def all_of(batcher, model, *requests):
    """The first request reaches the model, the others come while it is busy."""
    tasks = [asyncio.create_task(batcher.predict(*requests[0]))]
    while not model.batches:
        await asyncio.sleep(0.001)
    tasks += [asyncio.create_task(batcher.predict(*request)) for request in requests[1:]]
    await asyncio.sleep(0)
    model.gate.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_what_comes_while_the_model_is_busy_goes_together():
    model = Model()
    requests = [("f", rows(1)), ("f", rows(2, 3)), ("f", rows(4))]
    answers = run(model, lambda batcher: all_of(batcher, model, *requests))
    assert [answer["y"].tolist() for answer in answers] == [[2], [4, 6], [8]]
    assert model.batches == [("f", [1]), ("f", [2, 3, 4])]


def test_signatures_are_not_mixed_and_keep_their_order():
    model = Model()
    requests = [("f", rows(1)), ("f", rows(2)), ("g", rows(3)), ("f", rows(4))]
    run(model, lambda batcher: all_of(batcher, model, *requests))
    assert model.batches == [("f", [1]), ("f", [2]), ("g", [3]), ("f", [4])]


def test_a_batch_is_full_at_its_limit_and_a_long_request_goes_alone():
    model = Model()
    requests = [("f", rows(1)), ("f", rows(2, 3)), ("f", rows(4)), ("f", rows(*range(5)))]
    answers = run(model, lambda batcher: all_of(batcher, model, *requests), most_rows=3)
    assert [len(batch) for _, batch in model.batches] == [1, 3, 5]
    assert_array_equal(answers[3]["y"], [0, 2, 4, 6, 8])


def test_too_much_is_refused_and_what_was_taken_is_answered():
    model = Model()
    requests = [("f", rows(1)), ("f", rows(2, 3)), ("f", rows(4, 5)), ("f", rows(6))]
    answers = run(model, lambda batcher: all_of(batcher, model, *requests), most_waiting=3)
    assert [type(answer) for answer in answers] == [dict, dict, Overloaded, dict]
    assert answers[2].status == 503
    assert answers[2].headers == {"retry-after": "1"}
    assert_array_equal(answers[3]["y"], [12])


def test_a_fault_of_one_batch_is_not_that_of_the_next():
    model = Model()
    requests = [("broken", rows(1)), ("f", rows(2))]
    answers = run(model, lambda batcher: all_of(batcher, model, *requests))
    assert isinstance(answers[0], RuntimeError)
    assert_array_equal(answers[1]["y"], [4])


def test_what_is_not_finite_is_the_fault_of_its_own_request():
    model = Model()
    requests = [("f", rows(1)), ("f", rows(np.inf)), ("f", rows(3))]
    answers = run(model, lambda batcher: all_of(batcher, model, *requests))
    assert isinstance(answers[1], BadRequest)
    assert "`y` is not finite" in answers[1].message
    assert_array_equal(answers[2]["y"], [6])


def test_who_went_away_keeps_nobody_waiting():
    model = Model()

    async def scenario(batcher):
        first = asyncio.create_task(batcher.predict("f", rows(1)))
        gone = asyncio.create_task(batcher.predict("f", rows(2)))
        last = asyncio.create_task(batcher.predict("f", rows(3)))
        await asyncio.sleep(0.01)
        gone.cancel()
        model.gate.set()
        return [(await first)["y"][0], (await last)["y"][0]]

    assert run(model, scenario) == [2.0, 6.0]


def test_batches_are_told_and_nothing_waits_in_the_end():
    model, told = Model(), []

    async def scenario(batcher):
        await all_of(batcher, model, ("f", rows(1)), ("f", rows(2, 3)))
        return batcher.waiting_rows

    assert run(model, scenario, observe=told.append) == 0
    assert told == [1, 2]


@pytest.mark.parametrize(("waiting", "batches"), [((1, 1), 1), ((3,), 2), ((2, 1, 3), 2)])
def test_a_second_batch_is_begun_beside_the_first_where_it_is_full(waiting, batches):
    model, at_once = Model(), []

    async def scenario(batcher):
        tasks = [asyncio.create_task(batcher.predict("f", rows(0)))]
        while not model.batches:
            await asyncio.sleep(0.001)
        for count in waiting:
            tasks.append(asyncio.create_task(batcher.predict("f", rows(*range(count)))))
        await asyncio.sleep(0.1)
        at_once.append(len(model.batches))
        model.gate.set()
        return [len(answer["y"]) for answer in await asyncio.gather(*tasks)]

    assert run(model, scenario, most_rows=3) == [1, *waiting]
    assert at_once == [batches]


def test_a_later_request_wakes_the_queue_again():
    model = Model()
    model.gate.set()

    async def scenario(batcher):
        return [(await batcher.predict("f", rows(k)))["y"][0] for k in range(3)]

    assert run(model, scenario) == [0.0, 2.0, 4.0]
