"""Where frames from every process reach the sockets of this one."""

import asyncio

from channels.layers import get_channel_layer

from live import show, watch

_watching: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}


def ensure_watching() -> None:
    """Start this process' watcher with its first socket; one per event loop."""
    loop = asyncio.get_running_loop()
    task = _watching.get(loop)
    if task is None or task.done():
        _watching[loop] = loop.create_task(watch.watch(_deliver))


async def stop_watching() -> None:
    """End the watcher of this event loop; a test does, a server just ends."""
    task = _watching.pop(asyncio.get_running_loop(), None)
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _deliver(group: str, frame: show.Frame) -> None:
    await get_channel_layer().group_send(group, frame)
