"""SoS, the Survey of Surveys: one scale for the stellar parameters of every large spectroscopic survey."""
