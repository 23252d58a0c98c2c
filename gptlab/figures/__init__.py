"""Pictures: pure functions from numbers to plotly figures. No torch, no Streamlit, no file.

Series take the Okabe-Ito colours, which colour-blind people can tell apart, the same in light and dark. Every axis carries its
unit. Imports floor 0 (for words) only.
"""
