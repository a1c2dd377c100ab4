"""muxTracer and noopTracer: several recorders at once, and one that notes nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from phal2.node.rpc.tracers.recorder import Hooks, Recorder


class MuxRecorder:
    """muxTracer: several recorders at once, by name."""

    def __init__(self, recorders: Mapping[str, Recorder]) -> None:
        self.recorders = recorders

    def hooks(self) -> Hooks:
        """Pass on to each recorder what it looks at."""
        hooks = [recorder.hooks() for recorder in self.recorders.values()]
        return Hooks(
            enter=_each([each.enter for each in hooks]),
            exit=_each([each.exit for each in hooks]),
            step=_each([each.step for each in hooks]),
            log=_each([each.log for each in hooks]),
        )

    def result(self, gas_used: int) -> dict[str, Any]:
        """Return the recorders' answers by name."""
        return {name: recorder.result(gas_used) for name, recorder in self.recorders.items()}


class NoopRecorder:
    """noopTracer: nothing, for measuring what tracing itself costs."""

    def hooks(self) -> Hooks:
        """Look at nothing."""
        return Hooks()

    def result(self, gas_used: int) -> dict[str, Any]:  # noqa: ARG002 - the protocol's signature
        """Return nothing."""
        return {}


def _each(hooks: Sequence[Callable[[Any], None] | None]) -> Callable[[Any], None] | None:
    wanted = [hook for hook in hooks if hook is not None]
    if not wanted:
        return None

    def hook(event: Any) -> None:
        for each in wanted:
            each(event)

    return hook
