"""Runs conformance programs on CPython's own asyncio and prints the trace of each.

    python3 asyncio_twin.py [FILE.jsonl]        (or standard input)

Every input line is an object with `name` and `program`; every output line is one with `name` and
`trace`, flushed at once so that another process can ask line by line.

Three things stand between a program and CPython's code, and nothing else:

* The clock is virtual and counts whole microseconds. asyncio only ever adds and compares times,
  so `loop.time()` and every delay are plain integers here: no deadline is rounded.
* Timers with one deadline run in the order in which they were made. CPython's heap leaves this
  open, because its clock hardly ever reads the same twice.
* A `TaskGroup` keeps its tasks in a set, whose order is that of memory addresses. One that keeps
  the order of insertion stands in its place. The sets inside `wait` and `as_completed` are left
  alone: nothing that a program can see follows their order.
"""

import asyncio
import gc
import json
import sys
import warnings


class Deadlock(BaseException):
    """Nothing is ready, no timer is set, and the root is not done."""


class Timer(asyncio.TimerHandle):
    __slots__ = ("made",)

    def __lt__(self, other):
        return (self._when, self.made) < (other._when, other.made)


class Loop(asyncio.BaseEventLoop):
    """CPython's loop on a virtual clock of whole microseconds."""

    def __init__(self):
        super().__init__()
        self.now = 0
        self.made = 0
        self._selector = self
        # A timer is due if it is earlier than now plus this: if its deadline is at most now.
        self._clock_resolution = 1

    def time(self):
        return self.now

    def call_at(self, when, callback, *args, context=None):
        if not isinstance(when, int):
            raise TypeError(f"a deadline that is not in whole microseconds: {when!r}")
        timer = Timer(when, callback, args, self, context)
        timer.made = self.made
        self.made += 1
        asyncio.base_events.heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def select(self, timeout):
        """What the selector is asked: wait for this long, or for ever."""
        if timeout is None:
            raise Deadlock
        if timeout > 0:
            # Not `now + timeout`: the loop bounds what it asks for.
            self.now = max(self.now, self._scheduled[0]._when)
        return ()

    def _process_events(self, events):
        pass

    def _write_to_self(self):
        pass


class Ordered(dict):
    """A set that keeps the order of insertion."""

    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)


class Group(asyncio.TaskGroup):
    def __init__(self):
        super().__init__()
        self._tasks = Ordered()


class Failed(Exception):
    """`error:<text>`"""


def word(exception):
    """An exception as a trace writes it."""
    if isinstance(exception, asyncio.CancelledError):
        return "cancelled"
    if isinstance(exception, TimeoutError):
        return "timeout"
    if isinstance(exception, Failed):
        return f"error:{exception.args[0]}"
    if isinstance(exception, asyncio.QueueEmpty):
        return "queue_empty"
    if isinstance(exception, asyncio.QueueFull):
        return "queue_full"
    if isinstance(exception, asyncio.BrokenBarrierError):
        return "broken_barrier"
    if isinstance(exception, BaseExceptionGroup):
        return f"group[{','.join(word(member) for member in exception.exceptions)}]"
    return f"unknown:{exception!r}"


def result_word(task):
    if task.cancelled():
        return "cancelled"
    exception = task.exception()
    return f"value:{task.result()}" if exception is None else word(exception)


def matches(exception, kind):
    if isinstance(exception, GeneratorExit):
        return False
    if kind == "any":
        return True
    if isinstance(exception, asyncio.CancelledError):
        return kind == "cancelled"
    if isinstance(exception, TimeoutError):
        return kind == "timeout"
    return kind == "error"


QUEUES = {
    "fifo": asyncio.Queue,
    "lifo": asyncio.LifoQueue,
    "priority": asyncio.PriorityQueue,
}
WHEN = {
    "first_completed": asyncio.FIRST_COMPLETED,
    "first_exception": asyncio.FIRST_EXCEPTION,
    "all_completed": asyncio.ALL_COMPLETED,
}


class World:
    """A program that runs."""

    def __init__(self, program):
        self.loop = Loop()
        self.loop.set_exception_handler(lambda loop, context: None)
        self.loop.set_task_factory(self.start)
        self.bodies = program["tasks"]
        self.lines = []
        self.over = False
        # The loop holds tasks weakly.
        self.tasks = []
        self.handles = {}
        self.locks = [asyncio.Lock() for _ in range(program.get("locks", 0))]
        self.events = [asyncio.Event() for _ in range(program.get("events", 0))]
        self.conditions = [asyncio.Condition() for _ in range(program.get("conditions", 0))]
        self.semaphores = [asyncio.Semaphore(n) for n in program.get("semaphores", ())]
        self.barriers = [asyncio.Barrier(n) for n in program.get("barriers", ())]
        self.queues = [QUEUES[q["kind"]](q["max"]) for q in program.get("queues", ())]

    def start(self, loop, coroutine, **options):
        task = asyncio.Task(coroutine, loop=loop, **options)
        self.tasks.append(task)
        return task

    def trace(self):
        loop = self.loop
        asyncio.events.set_event_loop(None)
        root = loop.create_task(self.body("main"))
        root.add_done_callback(lambda _: loop.stop())
        try:
            loop.run_forever()
        except Deadlock:
            self.log("-", "deadlock")
        else:
            pending = sum(not task.done() for task in self.tasks)
            self.log("-", f"end pending:{pending}")
        self.over = True
        for task in self.tasks:
            task._log_destroy_pending = False
        self.tasks.clear()
        self.handles.clear()
        loop.close()
        return self.lines

    def log(self, task, words):
        if not self.over:
            self.lines.append(f"{self.loop.now} {task} {words}")

    async def body(self, task):
        self.log(task, "start")
        try:
            value = 0
            for op in self.bodies[task]:
                if op["op"] == "return":
                    value = op["v"]
                    break
                await self.op(task, op)
        except BaseException as exception:
            self.log(task, f"end {word(exception)}")
            raise
        self.log(task, f"end value:{value}")
        return value

    async def ops(self, task, ops):
        for op in ops:
            await self.op(task, op)

    def op(self, task, op):
        run = getattr(self, "op_" + op["op"], None)
        if run is None:
            raise SystemExit(f"asyncio_twin: unknown op {op['op']!r}")
        return run(task, op)

    def begin(self, names):
        return [self.loop.create_task(self.body(name)) for name in names]

    # Time and control.

    async def op_log(self, task, op):
        self.log(task, f"log {op['v']}")

    async def op_sleep(self, task, op):
        result = op.get("result")
        slept = await asyncio.sleep(op["us"], 0 if result is None else result)
        self.log(task, f"slept {slept}")

    async def op_yield(self, task, op):
        await asyncio.sleep(0)
        self.log(task, "yielded")

    async def op_busy(self, task, op):
        self.loop.now += op["us"]
        self.log(task, "worked")

    async def op_raise(self, task, op):
        raise Failed(op["v"])

    async def op_timeout(self, task, op):
        async with asyncio.timeout(op["us"]):
            await self.ops(task, op["body"])

    async def op_repeat(self, task, op):
        for _ in range(op["n"]):
            await self.ops(task, op["body"])

    async def op_try(self, task, op):
        last = op.get("finally")
        if last is None:
            await self.guarded(task, op)
            return
        try:
            await self.guarded(task, op)
        finally:
            if not self.over:
                self.log(task, "finally")
                await self.ops(task, last)

    async def guarded(self, task, op):
        kind = op.get("except")
        if kind is None:
            await self.ops(task, op["body"])
            return
        try:
            await self.ops(task, op["body"])
        except BaseException as exception:
            if not matches(exception, kind):
                raise
            self.log(task, f"caught {word(exception)}")
            await self.ops(task, op.get("handler") or ())
            if op.get("reraise"):
                raise

    # Tasks.

    async def op_spawn(self, task, op):
        self.handles[op["as"]] = self.loop.create_task(self.body(op["task"]))

    async def op_await(self, task, op):
        handle = self.handles.get(op["h"])
        self.log(task, "nohandle" if handle is None else f"got {await handle}")

    async def op_shield(self, task, op):
        handle = self.handles.get(op["h"])
        if handle is None:
            self.log(task, "nohandle")
        else:
            self.log(task, f"shielded {await asyncio.shield(handle)}")

    async def op_cancel(self, task, op):
        handle = self.handles.get(op["h"])
        if handle is None:
            self.log(task, "nohandle")
        else:
            self.log(task, "cancel true" if handle.cancel() else "cancel false")

    async def op_status(self, task, op):
        handle = self.handles.get(op["h"])
        if handle is None:
            self.log(task, "nohandle")
        elif not handle.done():
            self.log(task, "status pending")
        else:
            self.log(task, f"status {result_word(handle)}")

    async def op_gather(self, task, op):
        items = await asyncio.gather(
            *map(self.body, op["tasks"]), return_exceptions=op.get("return_exceptions", False)
        )
        words = (word(i) if isinstance(i, BaseException) else f"value:{i}" for i in items)
        self.log(task, " ".join(("gathered", *words)))

    async def op_wait_for(self, task, op):
        (handle,) = self.begin([op["task"]])
        self.log(task, f"wait_for {await asyncio.wait_for(handle, op['us'])}")

    async def op_wait(self, task, op):
        handles = self.begin(op["tasks"])
        done, _ = await asyncio.wait(
            handles, timeout=op.get("us"), return_when=WHEN[op["when"]]
        )
        words = (
            f"{'done' if handle in done else 'pending'}:{name}"
            for name, handle in zip(op["tasks"], handles)
        )
        self.log(task, " ".join(("waited", *words)))

    async def op_as_completed(self, task, op):
        handles = self.begin(op["tasks"])
        for completed in asyncio.as_completed(handles, timeout=op.get("us")):
            try:
                self.log(task, f"completed {await completed}")
            except Failed as exception:
                self.log(task, f"completed {word(exception)}")

    async def op_group(self, task, op):
        async with Group() as group:
            for name in op["tasks"]:
                group.create_task(self.body(name))
            await self.ops(task, op.get("body") or ())
        self.log(task, "grouped")

    # Shared objects.

    async def op_lock(self, task, op):
        async with self.locks[op["i"]]:
            self.log(task, f"locked {op['i']}")
            await self.ops(task, op["body"])
        self.log(task, f"unlocked {op['i']}")

    async def op_sem(self, task, op):
        async with self.semaphores[op["i"]]:
            self.log(task, f"acquired {op['i']}")
            await self.ops(task, op["body"])
        self.log(task, f"released {op['i']}")

    async def op_event_wait(self, task, op):
        await self.events[op["i"]].wait()
        self.log(task, f"event {op['i']}")

    async def op_event_set(self, task, op):
        self.events[op["i"]].set()

    async def op_event_clear(self, task, op):
        self.events[op["i"]].clear()

    async def op_cond_wait(self, task, op):
        condition = self.conditions[op["i"]]
        async with condition:
            self.log(task, f"cond_locked {op['i']}")
            await condition.wait()
            self.log(task, f"notified {op['i']}")

    async def op_cond_notify(self, task, op):
        condition = self.conditions[op["i"]]
        async with condition:
            if op.get("n") is None:
                condition.notify_all()
            else:
                condition.notify(op["n"])
            self.log(task, f"notify {op['i']}")

    async def op_put(self, task, op):
        await self.queues[op["i"]].put(op["v"])
        self.log(task, f"put {op['v']}")

    async def op_put_nowait(self, task, op):
        self.queues[op["i"]].put_nowait(op["v"])
        self.log(task, f"put {op['v']}")

    async def op_get(self, task, op):
        self.log(task, f"get {await self.queues[op['i']].get()}")

    async def op_get_nowait(self, task, op):
        self.log(task, f"get {self.queues[op['i']].get_nowait()}")

    async def op_task_done(self, task, op):
        queue = self.queues[op["i"]]
        if queue._unfinished_tasks > 0:
            queue.task_done()

    async def op_join(self, task, op):
        await self.queues[op["i"]].join()
        self.log(task, "joined")

    async def op_barrier(self, task, op):
        await self.barriers[op["i"]].wait()
        self.log(task, f"barrier {op['i']}")


def main():
    if sys.version_info < (3, 13):
        raise SystemExit("asyncio_twin: needs CPython 3.13 or later")
    warnings.simplefilter("ignore")
    # Tasks that a trace leaves pending are thrown away; what they say then is of no interest.
    sys.unraisablehook = lambda unraisable: None
    path = sys.argv[1] if len(sys.argv) > 1 else "-"
    source = sys.stdin if path == "-" else open(path, encoding="utf-8")
    for number, line in enumerate(source):
        if not line.strip():
            continue
        case = json.loads(line)
        trace = World(case["program"]).trace()
        print(
            json.dumps({"name": case["name"], "trace": trace}, separators=(",", ":")), flush=True
        )
        if number % 100 == 99:
            gc.collect()


if __name__ == "__main__":
    gc.disable()
    main()
