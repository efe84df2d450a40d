"""What commands print: tables, progress and the live view."""
