"""The process that decodes: it reads jobs, answers each, and ends with whoever started it."""

import gc
import os
import resource
import signal
import sys
import threading
import time
from queue import SimpleQueue
from typing import IO

from console.core.culprit import culprit
from console.ingest.decoders.frames import (
    CONTENT,
    DEFECT,
    HOPELESS,
    Finished,
    Job,
    answer_frame,
    read_frame,
    read_job,
)
from console.ingest.decoding import Hopeless, decode_row

READY = b"decodes\n"


def main() -> None:
    """Decode until the pipe ends; the arguments are megabytes of memory, and seconds for a row."""
    memory, seconds = int(sys.argv[1]) << 20, int(sys.argv[2])
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.SIG_IGN)  # the console's end is this one's
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    jobs = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what is printed by mistake is no answer
    gc.freeze()
    answers.write(READY)
    frames: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(jobs, frames), daemon=True).start()
    while True:
        number, job = read_job(frames.get())
        _limit_processor_time(seconds)
        _write(answers, answer_frame(_answer(number, job)))


def _read(jobs: IO[bytes], frames: "SimpleQueue[bytes]") -> None:
    """Take jobs as they come; where they end the console has ended, so nobody wants an answer."""
    while (frame := read_frame(jobs)) is not None:
        frames.put(frame)
    os._exit(0)


def _answer(number: int, job: Job) -> Finished:
    began = time.process_time()
    outcome, content, reason = CONTENT, None, ""
    try:
        content = decode_row(job.row, job.rules)
    except Hopeless as error:
        outcome, reason = HOPELESS, str(error)
    except Exception as error:  # noqa: BLE001 - it is the console that judges it
        outcome, reason = DEFECT, culprit(error)
    return Finished(number, outcome, time.process_time() - began, content, reason)


def _limit_processor_time(seconds: int) -> None:
    """End this process where a row takes so much more that nothing in it looks at the clock."""
    used = int(time.process_time()) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, resource.RLIM_INFINITY))


def _write(pipe: IO[bytes], frame: bytes) -> None:
    rest = memoryview(frame)
    while rest:
        rest = rest[pipe.write(rest) :]


if __name__ == "__main__":
    main()
