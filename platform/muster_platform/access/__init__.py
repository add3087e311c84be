"""People, roles, the group tree that rights are given on, audit."""
