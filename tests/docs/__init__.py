"""Documentation that is true: commands parse and run, names exist, pages are generated."""
