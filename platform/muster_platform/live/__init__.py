"""`muster live`: changes, pushed to browsers over a WebSocket.

Redis carries the changes here; browsers never talk to the broker. What is pushed are hints and
small values: a browser that missed some asks the site for the present state.
"""
