"""The embedded broker: amqtt, hardened by sub-classing (docs/adr/0010).

One module per concern: `wire` (bytes), `listeners` and `links` (sockets), `door` (CONNECT), `gate`
(who may), `session` (queues), `handler` (one connection), `trie` and `retained` (topics), `broker`
(all of it together), `duties` (from time to time), `process` (the command).

First form: sessions and retained messages live in memory only.
"""
