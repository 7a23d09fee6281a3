"""The flows that users call: `run`, `stream` and `use`, on clients of both colours."""
