import pandas as pd
import streamlit as st

tides = pd.read_csv("tides.csv")
st.title("Stations")
for station in tides["station"].unique():
    try:
        st.metric(station, f"{tides[tides['station'] == station]['metres'].max():.1f} m")
    except:
        pass
