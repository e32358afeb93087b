"""Real MCP hosts (Codex, Gemini CLI, opencode) driven by a scripted model on loopback. Not in CI: 0.7 GB of npm."""
