"""The tools, one file a toolset; a tool is one typed function whose docstring is what the model reads."""
