"""Rules, alarms, and the people who are told."""
