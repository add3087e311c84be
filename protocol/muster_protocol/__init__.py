"""What agent, broker and platform agree on: topics, messages, states, limits.

Everything in this package is final in kind once devices are out (docs/adr/0001). It imports the
standard library and msgspec, nothing else, and does no I/O.
"""
