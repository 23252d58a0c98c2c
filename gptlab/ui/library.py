"""What the Runs page is made of."""

import pandas as pd
import streamlit as st

from gptlab.errors import LabError
from gptlab.paths import home, typed
from gptlab.runs.store import Run, delete_run, list_runs, run_problem, size_on_disk
from gptlab.ui import cached, live, pick, show, state
from gptlab.words import _, told


def table() -> None:
    """All runs, newest first; one that cannot be read says why."""
    rows = []
    for run in list_runs():
        if (problem := run_problem(run)) is not None:
            rows.append({_("run"): run.id, _("state"): told(problem)})
            continue
        status, evaluations = run.status(), cached.curve(run.id).evaluations
        rows.append(
            {
                _("run"): pick.run_label(run),
                _("state"): pick.state_word(status.state),
                _("steps"): f"{status.step:,} / {status.n_steps:,}",
                _("validation loss (nats per token)"): f"{evaluations[-1].validation_nats:.3f}" if evaluations else "-",
                _("time"): live.duration(status.elapsed_s),
                _("size on disk"): f"{size_on_disk(run) / 1e6:.1f} MB",
            }
        )
    if rows:
        st.dataframe(pd.DataFrame(rows), hide_index=True, key="runs_table")


def settings(run: Run) -> None:
    """Settings and surroundings of a run."""
    with st.expander(_("Settings, versions and hardware")):
        settings = {name: value for name, value in run.config().to_json().items() if value is not None}
        st.json(settings | {"environment": run.environment(), "folder": str(run.folder)}, expanded=1)


def export(run: Run) -> None:
    """Write the run as a `transformers` directory."""
    st.subheader(_("Export"))
    place = st.text_input(_("Folder to write"), value=str(home() / "exports" / run.id), key=f"export_{run.id}")
    if st.button(_("Export for transformers"), icon=":material/upload:", key="export"):
        from gptlab.runs.exchange import export_run

        try:
            export_run(run, None, typed(place))
            st.success(_("Written to {folder}").format(folder=place))
        except LabError as problem:
            show.error(problem)


def delete(run: Run) -> None:
    """Delete the run, after a second look."""
    st.subheader(_("Delete"))
    sure = st.checkbox(_("Yes, delete {run} for good").format(run=pick.run_label(run)), key=f"sure_{run.id}")
    st.button(_("Delete"), icon=":material/delete:", key="delete", disabled=not sure, on_click=state.attempt, args=(_delete, run))


def _delete(run: Run) -> None:
    delete_run(run)
    state.choose_run(None)
