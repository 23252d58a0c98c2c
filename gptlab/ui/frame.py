"""What surrounds every page: page config, style, navigation, language, device."""

import logging
import os

import streamlit as st
from streamlit.navigation.page import Page

from gptlab.device import calm_threads, likely_device, memory_bytes
from gptlab.paths import ASSETS
from gptlab.ui import language, show
from gptlab.words import _


def begin() -> None:
    """First calls of a run of the app."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    calm_threads()
    st.set_page_config(page_title="GPT Lab", page_icon=str(ASSETS / "icon.png"), layout="wide")
    st.html(ASSETS / "style.css")
    language.install()


def announce() -> None:
    """Tell Streamlit, before the first visit, that the pages are those of `sections`; there is no visitor yet to be warned about."""
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").setLevel(logging.ERROR)
    st.navigation(sections(), expanded=True)


def sections() -> dict[str, list]:
    """The menu: section -> pages. The start page has a second, hidden entry, so that a link with its name is not lost."""
    return {
        _("Start"): [
            st.Page(show.page_path("start/overview"), title=_("Overview"), icon=":material/home:", url_path="home", default=True),
            st.Page(show.page_path("start/overview"), title=_("Overview"), url_path="overview", visibility="hidden"),
        ],
        _("Pretrain"): [
            st.Page(show.page_path("pretrain/train"), title=_("Train"), icon=":material/show_chart:"),
            st.Page(show.page_path("pretrain/tokenization"), title=_("Tokenization"), icon=":material/content_cut:"),
            st.Page(show.page_path("pretrain/generate"), title=_("Generate"), icon=":material/edit_note:"),
        ],
        _("Look inside"): [
            st.Page(show.page_path("inside/attention"), title=_("Attention"), icon=":material/visibility:"),
            st.Page(show.page_path("inside/heads"), title=_("Heads"), icon=":material/grid_view:"),
            st.Page(show.page_path("inside/lens"), title=_("Lens"), icon=":material/search:"),
        ],
        _("Transfer"): [
            st.Page(show.page_path("transfer/fine_tuning"), title=_("Fine-tuning"), icon=":material/tune:"),
            st.Page(show.page_path("transfer/layer_transfer"), title=_("Layer transfer"), icon=":material/layers:"),
            st.Page(show.page_path("transfer/ablations"), title=_("What matters"), icon=":material/balance:"),
        ],
        _("Zero to few shots"): [
            st.Page(show.page_path("shots/pretraining"), title=_("While it learns"), icon=":material/timeline:"),
            st.Page(show.page_path("shots/few_shot"), title=_("Show or train"), icon=":material/format_list_numbered:"),
        ],
        _("Library"): [
            st.Page(show.page_path("library/runs"), title=_("Runs"), icon=":material/folder:"),
            st.Page(show.page_path("library/village"), title=_("The village"), icon=":material/holiday_village:"),
        ],
    }


def run(page: Page) -> None:
    """The chosen page."""
    with show.mistakes():
        page.run()


def sidebar() -> None:
    """Language and device, below the menu."""
    with st.sidebar:
        language.switch()
        with show.mistakes():  # GPTLAB_DEVICE may name anything
            device = likely_device()
            free, total = memory_bytes(device)
            name = {"cuda": "CUDA GPU", "mps": "Apple GPU (MPS)", "cpu": "CPU"}[device]
            show.badge(_("Device: {name}").format(name=name), _("{free} of {total} GB memory free").format(
                free=f"{free / 1e9:.1f}", total=f"{total / 1e9:.1f}"))  # fmt: skip

