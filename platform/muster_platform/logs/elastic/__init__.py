"""Log records in Elasticsearch: what is asked, how answers are read, how they are kept.

Nothing here knows the client library: `SearchEngine` is implemented in `adapters.elastic`.
"""
