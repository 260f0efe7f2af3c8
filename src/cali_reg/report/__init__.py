"""What people look at: tables of text."""
