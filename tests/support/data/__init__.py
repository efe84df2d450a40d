"""Makes recordings, stores, models and versions for the tests."""
