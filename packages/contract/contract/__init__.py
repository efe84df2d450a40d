"""What more than one Lapwing service must agree on, and nothing else.

`errors`, `settings`, `telemetry` and `registry` need only Python; `frame`, `store` and `jobs` need
the extra of the same name.
"""
