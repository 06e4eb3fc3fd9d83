import pandas as pd
import streamlit as st

st.set_page_config(page_title="Tide table", layout="wide")
st.title("When is the water high?")

tides = pd.read_csv("tides.csv", parse_dates=["at"])
station = st.selectbox("Station", sorted(tides["station"].unique()))
chosen = tides[tides["station"] == station]
st.line_chart(chosen, x="at", y="metres")
print("Showing", station)

if st.sidebar.text_input("Password", type="password") == "harbour":
    edited = st.data_editor(chosen)
    if st.sidebar.button("Save"):
        edited.to_csv("tides.csv", index=False)
