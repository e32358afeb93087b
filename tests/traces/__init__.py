"""LLM traces as text: every shape, trees, budgets, tools."""
