"""Tests of the analysis: methods against scipy and simulation, explanations against planted causes."""
