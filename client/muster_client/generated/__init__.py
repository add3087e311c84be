"""What `make docs` writes from the document of the API."""
