"""The display of a prediction or a training in a notebook: its status, output and logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._objects.html import PRE, bundle, element, escape, link, note, preformatted
from replicate._outputs.html import drawn

if TYPE_CHECKING:
    from replicate._jobs.any_job import AnyJob
    from replicate._objects.html import Bundle

LAST_LINES = 20
"""Maximum number of log lines shown."""
ERROR = f"{PRE}; border-left: 0.3em solid #d64545; padding-left: 0.6em"


def shown(run: AnyJob) -> Bundle:
    """Return the notebook display of a prediction or a training. Never raises."""
    try:
        return bundle(repr(run), heading(run), *drawn(run.output), trouble(run), printed(run))
    except Exception:  # noqa: BLE001 - showing something must not end a program
        return bundle(repr(run), preformatted(repr(run)))


def shown_so_far(iteration: object, run: AnyJob | None, items: list[Any]) -> Bundle:
    """Return the notebook display of an iterator: the items so far. Does not advance the iterator. Never raises."""
    try:
        parts = [] if run is None else [heading(run), *drawn(items), trouble(run)]
        return bundle(repr(iteration), *parts, note(repr(iteration)))
    except Exception:  # noqa: BLE001 - as above
        return bundle(repr(iteration), preformatted(repr(iteration)))


def heading(run: AnyJob) -> str:
    """Return the first line, with the id, model, status, progress and run time, and a progress bar below it."""
    web = getattr(run.urls, "web", None)
    known, progress = run.timings, run.progress
    told = [
        f"{type(run).__name__} {link(str(web or ''), str(run.id))}",
        escape(f"of {run.model}") if run.model else "",
        element("b", escape(run.status)),
        f"{progress.percentage:.0%}" if progress and not run.finished else "",
        f"{known.running:.1f} s" if known.running is not None else "",
    ]
    share = {"value": str(progress.percentage), "max": "1"} if progress and not run.finished else None
    bar = element("div", element("progress", **share)) if share else ""
    return element("div", " · ".join(filter(None, told))) + bar


def trouble(run: AnyJob) -> str:
    """Return the error as HTML, or an empty string if there is none."""
    return preformatted(str(run.error), style=ERROR) if run.error else ""


def printed(run: AnyJob) -> str:
    """Return the last lines of the logs as collapsed HTML, or an empty string if there are none."""
    lines = str(run.logs or "").rstrip().splitlines()
    if not lines:
        return ""
    title = "Logs" if len(lines) <= LAST_LINES else f"The last {LAST_LINES} of {len(lines)} lines of the logs"
    return element("details", element("summary", title) + preformatted("\n".join(lines[-LAST_LINES:])))
