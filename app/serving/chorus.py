"""Texts that are written together and read apart: who asks for more gets what came meanwhile."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from app.serving.generation import Generation
from app.serving.stage import MOST, Stage

# After this the texts of another version have their turn.
TURN_SECONDS = 0.1


class Voice:
    """One text and its reader, who is told a piece of it every so many ``seconds``.

    The text goes on while the reader is at that piece, but no further than to the next one: for who takes
    nothing, nothing is written. Once ``gone`` is set it ends with the next token. It has ``ended`` when the
    reader was told all of it.
    """

    def __init__(self, text: Generation, seconds: float, gone: threading.Event) -> None:
        self.text = text
        self.rests = True
        self.ended = False
        self.future: asyncio.Future[str] | None = None
        self.loop = asyncio.get_running_loop()
        self._gone = gone
        self._seconds = seconds
        self._due_at: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes, or nobody is there to read it."""
        return self.text.is_over or self._gone.is_set()

    def is_due(self, now: float) -> bool:
        """Tell whether the reader should be told a piece; of a new text that is not before some time."""
        if self._due_at is None:
            self._due_at = now + self._seconds
            return self.is_over
        return now >= self._due_at or self.is_over

    def tell(self, future: "asyncio.Future[str]", now: float, *, is_last: bool) -> None:
        """Hand over what came since the last piece, or what ended the text."""
        self._due_at = now + self._seconds
        delta = "" if self.text.error else self.text.delta()
        self.loop.call_soon_threadsafe(self._settle, future, delta, is_last)

    def drop(self) -> None:
        """Let the reader wait no more; on the event loop."""
        if self.future is not None:
            self.future.cancel()

    def _settle(self, future: "asyncio.Future[str]", delta: str, is_last: bool) -> None:
        self.ended = is_last
        # What raises an error must not be held by what it passes on its way.
        error, self.text.error = self.text.error, None
        if future.done():
            return
        if error is None:
            future.set_result(delta)
        else:
            future.set_exception(error)


class Chorus:
    """The voices of one role; one thread at a time takes all that do not rest a token further."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._waiting: deque[Voice] = deque()
        self._works = False

    async def listen(self, voice: Voice) -> str:
        """Return the next piece of a text; raise what ended it."""
        future: asyncio.Future[str] = voice.loop.create_future()
        with self._lock:
            voice.future = future
            if voice.rests:
                voice.rests = False
                self._waiting.append(voice)
            begins = bool(self._waiting) and not self._works
            self._works = self._works or begins
        try:
            if begins:
                self._pool.submit(self._turn)
            return await future
        finally:
            # What was raised holds this frame, and the future holds what was raised.
            del future

    def close(self) -> None:
        """Let nobody wait any more; the pool has been shut down."""
        for voice in self._waiting:
            # The loop may have ended before.
            with contextlib.suppress(RuntimeError):
                voice.loop.call_soon_threadsafe(voice.drop)

    def _turn(self) -> None:
        voices: dict[Generation, Voice] = {}
        try:
            self._go_on(voices)
        except Exception as error:
            # Such as no memory for them all. They are told when their next turn comes.
            for text in voices:
                text.error = error
        self._end(voices.values())

    def _go_on(self, voices: dict[Generation, Voice]) -> None:
        """Take all voices further that there are and that come, ``voices``, until their turn is over."""
        stage: Stage | None = None
        now = time.perf_counter()
        ends_at = now + TURN_SECONDS
        while now < ends_at:
            while len(voices) < MOST and (voice := self._newcomer(now)) is not None:
                voices[voice.text], loop = voice, voice.loop
                stage = stage or Stage(voice.text.role, min(MOST, len(self._waiting) + 1))
                stage.enter(voice.text)
            if stage is None or not voices:
                break
            stage.step()
            now = time.perf_counter()
            for voice in [each for each in voices.values() if each.is_due(now)]:
                if not self._tell(voice, now):
                    stage.leave(voice.text)
                    del voices[voice.text]
        if stage is not None:
            stage.close()
            loop.call_soon_threadsafe(_count, stage)

    def _newcomer(self, now: float) -> Voice | None:
        """Return the next voice that waits, after telling it what it has still to be told."""
        while self._waiting:
            voice = self._waiting.popleft()
            if not voice.is_due(now) or self._tell(voice, now):
                return voice
        return None

    def _tell(self, voice: Voice, now: float) -> bool:
        """Tell a voice's reader a piece; return whether it goes on, which it does not if nobody listens."""
        is_over = voice.is_over
        with self._lock:
            future, voice.future = voice.future, None
            rests = voice.rests = is_over or future is None
        if future is not None:
            voice.tell(future, now, is_last=is_over)
        return not rests

    def _end(self, voices: Iterable[Voice]) -> None:
        """Stand in line again, behind the texts of other versions, if there is anything left to do."""
        with self._lock:
            self._waiting.extend(voices)
            self._works = bool(self._waiting)
        if self._works:
            # Not if it was shut down meanwhile.
            with contextlib.suppress(RuntimeError):
                self._pool.submit(self._turn)


def _count(stage: Stage) -> None:
    for rows, (times, seconds) in stage.executions.items():
        stage.role.statistics.executed(rows, (0.0, seconds, 0.0), times)
