"""The real parts that tests run against, one small module each.

Every part starts on a free port of 127.0.0.1 in a folder of its own, once per test run and only
when a test asks for it (fixtures in tests/conftest.py), and is stopped by its pid.
"""
