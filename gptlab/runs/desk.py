"""Where a worker writes: status, metrics, samples and log of its run."""

import logging
import time
import traceback
from dataclasses import replace
from typing import Any, TextIO

import psutil

from gptlab.errors import LabError
from gptlab.runs.curve import Record, to_line
from gptlab.runs.distributed import Ranks
from gptlab.runs.store import Run, Status, start_s

HEARTBEAT_S = 0.25
"""Longest time between two looks at wishes and two signs of life, as far as steps allow."""

SAFETY_CHECKPOINT_S = 60.0
"""Most work that a kill may cost. Chosen here: a checkpoint of the larger presets takes under a second."""


class Desk:
    """Where a worker writes: status, metrics, samples and log of its run. Only the first of several processes writes."""

    def __init__(self, run: Run, ranks: Ranks, log: TextIO) -> None:
        me = psutil.Process()
        self.run, self.ranks, self.log = run, ranks, log
        self.now: Status = replace(
            run.status(), pid=me.pid, process_start_s=start_s(me), state="starting", message="", values={}
        )
        self.process, self.last_sign_s = me, 0.0

    @property
    def sign_is_due(self) -> bool:
        """The first event is told at once."""
        return self.now.state == "starting" or time.monotonic() - self.last_sign_s > HEARTBEAT_S

    def status(self, **changes: Any) -> None:
        self.now = replace(self.now, heartbeat_s=time.time(), **changes)
        self.last_sign_s = time.monotonic()
        if self.ranks.is_first:
            self.run.write_status(self.now)

    def append(self, name: str, *records: Record) -> None:
        if self.ranks.is_first:
            with (self.run.folder / name).open("a", encoding="utf-8") as file:
                file.write("".join(to_line(record) for record in records))

    def note(self, text: str) -> None:
        self.log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        self.log.flush()

    def fail(self, error: LabError) -> None:
        """Write down why the run failed.

        Raises:
            OSError: a disk without a byte left cannot take the reason. The worker ends with it, so that a reader sees a run that died.
        """
        logging.getLogger(__name__).error("%s: %s", self.run.id, error)
        self.note(f"{error}\n{traceback.format_exc()}")
        values = {name: value if isinstance(value, str | int | float) else str(value) for name, value in error.values.items()}
        self.status(state="failed", message=error.message, values=values, phase="", seconds_left=0.0)
