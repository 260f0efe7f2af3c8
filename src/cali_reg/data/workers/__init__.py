"""Other processes that read rows."""
